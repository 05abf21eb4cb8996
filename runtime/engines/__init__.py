"""TensorRT engines on this device: which there are, whether they still fit, how builds go."""
