"""Files, folders, network streams, cameras and microphones, as time-stamped samples."""
