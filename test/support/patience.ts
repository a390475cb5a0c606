/**
 * How long a test waits for what must come at last. Only a test that is about to fail waits so long:
 * what takes a second by itself takes minutes where others use the machine.
 */
export const PATIENCE_SECONDS = 300
