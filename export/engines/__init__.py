"""From a bundle to TensorRT engines, on the device that will run them."""
