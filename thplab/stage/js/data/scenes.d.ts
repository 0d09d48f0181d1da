// build.py makes the module from thplab.recording.derive.focus.
export const SCENES: string[];
