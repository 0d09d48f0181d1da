export const QUESTIONS: Record<string, { words: string; looksAt: string; counts: boolean }>;
export const STATES: Record<string, { words: string; leaves: string }>;
