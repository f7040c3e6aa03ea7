/**
 * What a function's sockets may reach, as whoever deploys it writes it: `HOST:PORT`.
 *
 * HOST is an IPv4 address, an IPv6 address in brackets, either with a prefix (`10.0.0.0/8`, `[fd00::]/8`), `localhost`, a
 * name, which stands for the public addresses that it has when a call looks it up, or `*` for all public addresses. PORT is a
 * number or `*`.
 *
 * @module
 */
const RULE =
  /^(?:(\*)|(localhost)|([\d.]+)(?:\/(\d{1,2}))?|\[([\da-fA-F:.]+)\](?:\/(\d{1,3}))?|([a-zA-Z\d-]+(?:\.[a-zA-Z\d-]+)+)):(\d{1,5}|\*)$/;

/** What is wrong with a rule. */
export function networkProblem(rule: string): string | undefined {
  return rulesOf(rule) === undefined
    ? `${JSON.stringify(rule.slice(0, 100))} is not HOST:PORT with an address, ADDRESS/PREFIX, a name, localhost or *`
    : undefined;
}

/** Rules as the add-on takes them. They were checked. */
export function networkRules(rules: readonly string[]): string[] {
  return rules.flatMap((rule) => rulesOf(rule) ?? []);
}

function rulesOf(rule: string): string[] | undefined {
  const match = RULE.exec(rule);
  if (match === null) return undefined;
  const [, all, localhost, four, fourPrefix, six, sixPrefix, name, portText] = match;
  const port = portText === "*" ? 0 : Number(portText);
  if (portText !== "*" && (port < 1 || port > 65_535)) return undefined;
  if (all !== undefined) return [`* ${port}`];
  if (localhost !== undefined) return [`127.0.0.1/32 ${port}`, `::1/128 ${port}`];
  if (four !== undefined) {
    const prefix = Number(fourPrefix ?? 32);
    return isIpv4(four) && prefix <= 32 ? [`${four}/${prefix} ${port}`] : undefined;
  }
  if (name !== undefined) return isName(name) ? [`${name} ${port}`] : undefined;
  const prefix = Number(sixPrefix ?? 128);
  return isIpv6(six!) && prefix <= 128 ? [`${six}/${prefix} ${port}`] : undefined;
}

/** Four numbers in decimal: no other form that some library takes for an address. */
function isIpv4(text: string): boolean {
  const parts = text.split(".");
  return parts.length === 4 && parts.every((part) => /^(?:0|[1-9]\d{0,2})$/.test(part) && Number(part) <= 255);
}

/** Its last part begins with a letter: else some library takes it for an address. */
function isName(text: string): boolean {
  return text.length <= 253 && /\.[a-zA-Z][a-zA-Z\d-]*$/.test(text);
}

function isIpv6(text: string): boolean {
  return URL.canParse(`http://[${text}]/`);
}
