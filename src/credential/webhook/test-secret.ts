/**
 * Zendesk signs tests of webhooks that are not saved yet with this secret, which stands in its
 * documentation: a signature made with it proves nothing.
 */
export const PUBLIC_TEST_SECRET = 'dGhpc19zZWNyZXRfaXNfZm9yX3Rlc3Rpbmdfb25seQ=='
