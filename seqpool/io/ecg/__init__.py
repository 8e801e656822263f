"""ECG recordings on disk: one file per format, all giving a `Recording` in millivolts."""
