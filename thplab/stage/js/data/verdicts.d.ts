// build.py makes the module from thplab.recording.verdicts.
export const VERDICT_FUNCTIONS: string[];
