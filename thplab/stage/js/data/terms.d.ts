// build.py makes the module from thplab.terms.
export const TERMS: [term: string, meaning: string, names: string[]][];
