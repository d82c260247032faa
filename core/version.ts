/** The version of this package, as in package.json (which not every form of distribution carries along). */
export const VERSION: string = "0.1.0";
