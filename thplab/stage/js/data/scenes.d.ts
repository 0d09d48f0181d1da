export const SCENES: string[];
