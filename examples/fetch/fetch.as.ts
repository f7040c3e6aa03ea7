// Fetches the page whose URL is the input. The host makes the request, and speaks TLS.
import { httpRequest, readCallText, writeCallText } from "faaslet";

export { malloc } from "faaslet";

export function handle(): i32 {
  const answer = httpRequest("GET", readCallText().trim(), "accept: */*");
  if (answer.status != 200) return answer.error;
  writeCallText(answer.text());
  return answer.error;
}
