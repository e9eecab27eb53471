// What the scripts of `tsunagi completion` and the command agree upon.

/** `tsunagi __complete WORD…`, the last of which is being typed, answers with lines of a word, a tab and what it stands for. */
export const COMPLETE = '__complete'

/** In place of a word: whatever files there are. */
export const FILES = ':files'
