/** The version of the API's description. A test holds it against the package's. */
export const version = '0.0.0'
