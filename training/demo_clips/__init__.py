"""Builds the demo's clips: real photographs and sounds, filmed by a simulated hand-held camera.

``python -m headstart.training.demo_clips --out runtime/demo/clips`` rebuilds what lies there.
The order of reading: ``catalogue`` (what there is, and under which licence), ``storyboard`` (what
is shown and heard when), ``camera`` and ``scene`` (how it is filmed), ``sounds`` and ``voices``
(how it is heard), ``build``.
"""
