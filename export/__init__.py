"""From torch to ONNX to engines; writes and signs bundles."""
