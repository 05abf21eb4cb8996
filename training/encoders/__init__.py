"""The pretrained encoders as torch modules, and where their published weights come from."""
