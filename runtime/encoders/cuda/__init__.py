"""The little of CUDA that the TensorRT backend needs, over cuda-python or pycuda."""
