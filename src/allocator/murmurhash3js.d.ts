/** The part of murmurhash3js that is used; the package brings no types. */
declare module 'murmurhash3js' {
  const murmurhash3js: { readonly x86: { hash32(key: string, seed?: number): number } };
  export default murmurhash3js;
}
