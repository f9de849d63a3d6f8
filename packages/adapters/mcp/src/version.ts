/** The version that the server names. A test compares it with the package's version. */
export const version = '0.0.0'
