/** Returns a greeting for somebody of this name. */
export function greet(name) {
  return `Hello, ${name}!`;
}
