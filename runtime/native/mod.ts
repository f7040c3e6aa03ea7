/**
 * The door to the add-on: the only file that loads it. Everything above sees plain TypeScript; everything below is Rust.
 *
 * @module
 */
