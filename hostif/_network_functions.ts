/** Client sockets under their BSD names, with musl's structures and numbers. */
import type { HostFunction, ValueType } from "./table.ts";

const LIMITS = ["FUNCTION_LIMITS.descriptorsMax"];
const BAD = "-1 EBADF, ENOTSOCK: no such socket";
const FAULT = "-1 EFAULT: a pointer is not inside linear memory";
const REFUSED = "-1 EACCES: the settings do not allow the address, or it is of another family than IP";
const HOSTILE =
  "The decision is made on the address that was copied, at the moment it is used: IPv4 in IPv6 is IPv4, and loopback, private, " +
  "link-local and this machine's own addresses have to be named. Every wait ends with the call's deadline or a cancel.";
const UNREACHABLE = "Nobody can reach a guest.";

function socketFunction(
  name: string,
  params: string,
  effect: string,
  errors: readonly string[],
  hostile: string,
): HostFunction {
  const named = params.split(" ").map((param) => ({ name: param, type: "i32" as ValueType }));
  return { module: "env", name, params: named, results: ["i32"], effect, limits: LIMITS, errors, hostile };
}

export const NETWORK_FUNCTIONS: readonly HostFunction[] = [
  socketFunction(
    "socket",
    "family type protocol",
    "Opens a TCP or UDP socket of AF_INET or AF_INET6 as the lowest free descriptor; SOCK_NONBLOCK and SOCK_CLOEXEC are known. " +
      "It is closed at the end of the call.",
    [
      "-1 EACCES: the function's settings allow nothing, or AF_UNIX",
      "-1 EPERM: another type than SOCK_STREAM and SOCK_DGRAM",
      "-1 EAFNOSUPPORT, EPROTONOSUPPORT: another family or protocol",
      "-1 EMFILE: the function's limit of descriptors",
    ],
    "A function that may reach nothing has no socket; raw sockets, which see more than their own, are none of a guest's.",
  ),
  socketFunction(
    "connect",
    "fd address length",
    "Connects, and waits for it unless the socket does not wait.",
    [REFUSED, BAD, FAULT, "-1 ECONNREFUSED, ETIMEDOUT, EINPROGRESS ...: as on Linux"],
    HOSTILE,
  ),
  socketFunction(
    "bind",
    "fd address length",
    "Takes a place that the system chooses: the unspecified address and port 0.",
    ["-1 EPERM: another address or port", BAD, FAULT],
    UNREACHABLE,
  ),
  socketFunction("listen", "fd backlog", "Is refused.", ["-1 EPERM: always", BAD], UNREACHABLE),
  socketFunction("accept", "fd address length", "Is refused.", ["-1 EPERM: always", BAD], UNREACHABLE),
  socketFunction(
    "send",
    "fd bytes length flags",
    "Sends to where the socket is connected; of a stream as much as there is room for.",
    [BAD, FAULT, "-1 EAGAIN: it would have to wait", "-1 EMSGSIZE, EPIPE, ENOTCONN ...: as on Linux"],
    HOSTILE,
  ),
  socketFunction(
    "sendto",
    "fd bytes length flags address addressLength",
    "As send; a datagram goes to the address.",
    [REFUSED, BAD, FAULT, "-1 EAGAIN: it would have to wait", "-1 EMSGSIZE ...: as on Linux"],
    HOSTILE,
  ),
  socketFunction(
    "recv",
    "fd buffer length flags",
    "Receives what is there, at most length bytes, and waits for it unless the socket does not wait; 0 at the end of a stream.",
    [BAD, FAULT, "-1 EAGAIN: nothing is there, or the receive timeout passed"],
    HOSTILE,
  ),
  socketFunction(
    "recvfrom",
    "fd buffer length flags address addressLength",
    "As recv, and says who sent it.",
    [BAD, FAULT, "-1 EAGAIN: nothing is there, or the receive timeout passed"],
    `${HOSTILE} Datagrams from addresses that the function may not reach are dropped.`,
  ),
  socketFunction(
    "getsockname",
    "fd address length",
    "The socket's own address.",
    [BAD, FAULT],
    "Shows the guest its own port.",
  ),
  socketFunction(
    "getpeername",
    "fd address length",
    "Where the socket is connected.",
    [BAD, FAULT, "-1 ENOTCONN"],
    "Nothing to gain.",
  ),
  socketFunction(
    "shutdown",
    "fd how",
    "Ends sending, receiving or both.",
    [BAD, "-1 ENOTCONN, EINVAL: as on Linux"],
    "Nothing to gain.",
  ),
  socketFunction(
    "setsockopt",
    "fd level name value length",
    "Sets SO_KEEPALIVE, SO_SNDBUF, SO_RCVBUF (1 MiB at most), SO_RCVTIMEO, SO_SNDTIMEO or TCP_NODELAY; SO_REUSEADDR does nothing.",
    ["-1 EPERM: SO_BROADCAST", "-1 ENOPROTOOPT: another one", BAD, FAULT, "-1 EINVAL: a bad value"],
    "Nothing that reaches many, or changes more than the socket.",
  ),
  socketFunction(
    "getsockopt",
    "fd level name value length",
    "SO_TYPE, or SO_ERROR as an error number of WASI.",
    ["-1 ENOPROTOOPT: another one", BAD, FAULT],
    "Nothing to gain.",
  ),
  socketFunction(
    "getaddrinfo",
    "name service hints result",
    "Stores the address of a list of addresses, in a page of its own: of an address as it is written, or of a name that a rule " +
      "names, which is looked up as this machine does; localhost without anybody being asked. From then on in this call the rules about the name mean these addresses.",
    [
      "-2 EAI_NONAME: no such name, or none that a rule names",
      "-3 EAI_AGAIN: nobody could tell",
      "-6 EAI_FAMILY, -7 EAI_SOCKTYPE, -8 EAI_SERVICE: not known",
      "-10 EAI_MEMORY: the function's memory limit",
      "-11 EAI_SYSTEM: a pointer is not inside linear memory",
      "trap ERR_GUEST_MISUSE: an initialiser asks for a name",
    ],
    "A name stands for public addresses only: an answer that points at this machine or its neighbours opens nothing.",
  ),
  {
    module: "env",
    name: "freeaddrinfo",
    params: [{ name: "list", type: "i32" }],
    results: [],
    effect: "Gives the list's page back.",
    limits: [],
    errors: [],
    hostile: "An address that is no such page is ignored; a page of mmap's is unmapped.",
  },
];
