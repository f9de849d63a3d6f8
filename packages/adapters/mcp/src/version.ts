/** The version that the server names. A test holds it against the package's. */
export const version = '0.0.0'
