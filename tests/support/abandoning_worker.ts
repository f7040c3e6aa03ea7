/** Opens a group, starts a call that never ends, and says so. Whoever started it terminates it then. */
import { EmbeddedGroup } from "../../runtime/mod.ts";
import { native } from "../../runtime/native/mod.ts";
import { guest, imageOf } from "./guests.ts";
import { until } from "./until.ts";

const group = new EmbeddedGroup();
await group.install(imageOf(1, guest("spin")));
void group.call({ id: 1, functionId: 1, input: new Uint8Array(0), timeoutMs: 600_000 });
await until(() => native.live().runningGuests > 0, "the guest runs");
(self as unknown as { postMessage(message: string): void }).postMessage("running");
