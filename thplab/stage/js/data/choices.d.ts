// build.py makes the module from thplab.stage.editing.
export const CHOICES: { paints: string[]; knobs: Record<string, string>; gaps: Record<string, string> };
