// build.py makes the module from thplab.recording.story.windows.
export const VERDICT_FUNCTIONS: string[];
export const SUCCEEDED: string;
export const BRIEFLY: Record<string, string>; // result -> why, in two words
