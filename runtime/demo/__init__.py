"""The main job on real input, from clips that come with the package to a page that shows it."""
