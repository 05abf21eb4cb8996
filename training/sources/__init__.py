"""Where meta-training's pictures and sounds come from: one small file per source."""
