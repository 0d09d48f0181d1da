// build.py makes the module from thplab.reading.kernel_words and thplab.reading.knobs.
export const ANYWHERE: Record<string, string>;
export const IN_PLACE: Record<string, Record<string, string>>;
export const UNITS: Record<string, string>;
export const SYMBOLS: string[];
export const SWITCH: string;
export const KNOB_READERS: Record<string, string[]>;
export const SETTING_FIELDS: Record<string, string>;
export const STORES: string[];
