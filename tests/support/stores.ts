/** The two kinds of store that the global tier runs on. */
import { openKv, type StateKv } from "../../state/mod.ts";
import { DenoKvServer } from "./denokv.ts";
import type { TestStore } from "./global_tier_conformance.ts";
import { Scratch } from "./scratch.ts";

/** A file in a directory of its own. One process has one connection to it: that is how a host uses it. */
export class FileStore implements TestStore {
  readonly #scratch = new Scratch();
  #kv: Promise<Deno.Kv> | undefined;

  async open(): Promise<StateKv> {
    return shared(await (this.#kv ??= openKv(this.path)));
  }

  get path(): string {
    return `${this.#scratch.path}/kv.sqlite3`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    (await this.#kv)?.close();
    this.#scratch[Symbol.dispose]();
  }
}

/** A server of its own. */
export class ServerStore implements TestStore {
  readonly server: DenoKvServer;

  private constructor(server: DenoKvServer) {
    this.server = server;
  }

  static async start(): Promise<ServerStore> {
    return new ServerStore(await DenoKvServer.start());
  }

  open(): Promise<StateKv> {
    return openKv(this.server.url);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.server[Symbol.asyncDispose]();
  }
}

/** The same connection for each who asks; who made it closes it. */
export function shared(kv: StateKv): StateKv {
  return {
    get: kv.get.bind(kv),
    getMany: kv.getMany.bind(kv),
    set: kv.set.bind(kv),
    delete: kv.delete.bind(kv),
    list: kv.list.bind(kv),
    atomic: kv.atomic.bind(kv),
    watch: kv.watch.bind(kv),
    commitVersionstamp: kv.commitVersionstamp.bind(kv),
    close: () => {},
  };
}
