/**
 * Text of guests made safe for a terminal: control characters would move the cursor, change the window's title or type
 * into the shell, and characters that turn the direction of writing make one thing look like another.
 *
 * @module
 */

// deno-lint-ignore no-control-regex -- Control characters are what this is about.
const UNSAFE = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g;

/** Tabs and line ends stay; other control characters become visible, e.g. `\x1b`. */
export function escapeControls(text: string): string {
  return text.replace(UNSAFE, function visible(character) {
    const code = character.charCodeAt(0);
    return code < 0x100 ? `\\x${code.toString(16).padStart(2, "0")}` : `\\u{${code.toString(16)}}`;
  });
}

/** The same for one line: tabs and line ends become visible too. */
export function escapeLine(text: string): string {
  return escapeControls(text).replaceAll("\n", "\\n").replaceAll("\t", "\\t");
}

/** The same for JSON, which stays what it says: JSON's own escapes, also for what JSON need not escape. */
export function escapeJson(json: string): string {
  return json.replace(UNSAFE, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`);
}
