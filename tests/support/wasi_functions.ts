/** The functions of WASI preview 1 with their core types, for guests that tests make. */
import type { Signature } from "./probe.ts";

export const WASI_FUNCTIONS: readonly Signature[] = [
  wasi("args_get", "i32 i32", "i32"),
  wasi("args_sizes_get", "i32 i32", "i32"),
  wasi("environ_get", "i32 i32", "i32"),
  wasi("environ_sizes_get", "i32 i32", "i32"),
  wasi("clock_res_get", "i32 i32", "i32"),
  wasi("clock_time_get", "i32 i64 i32", "i32"),
  wasi("fd_advise", "i32 i64 i64 i32", "i32"),
  wasi("fd_allocate", "i32 i64 i64", "i32"),
  wasi("fd_close", "i32", "i32"),
  wasi("fd_datasync", "i32", "i32"),
  wasi("fd_fdstat_get", "i32 i32", "i32"),
  wasi("fd_fdstat_set_flags", "i32 i32", "i32"),
  wasi("fd_fdstat_set_rights", "i32 i64 i64", "i32"),
  wasi("fd_filestat_get", "i32 i32", "i32"),
  wasi("fd_filestat_set_size", "i32 i64", "i32"),
  wasi("fd_filestat_set_times", "i32 i64 i64 i32", "i32"),
  wasi("fd_pread", "i32 i32 i32 i64 i32", "i32"),
  wasi("fd_prestat_get", "i32 i32", "i32"),
  wasi("fd_prestat_dir_name", "i32 i32 i32", "i32"),
  wasi("fd_pwrite", "i32 i32 i32 i64 i32", "i32"),
  wasi("fd_read", "i32 i32 i32 i32", "i32"),
  wasi("fd_readdir", "i32 i32 i32 i64 i32", "i32"),
  wasi("fd_renumber", "i32 i32", "i32"),
  wasi("fd_seek", "i32 i64 i32 i32", "i32"),
  wasi("fd_sync", "i32", "i32"),
  wasi("fd_tell", "i32 i32", "i32"),
  wasi("fd_write", "i32 i32 i32 i32", "i32"),
  wasi("path_create_directory", "i32 i32 i32", "i32"),
  wasi("path_filestat_get", "i32 i32 i32 i32 i32", "i32"),
  wasi("path_filestat_set_times", "i32 i32 i32 i32 i64 i64 i32", "i32"),
  wasi("path_link", "i32 i32 i32 i32 i32 i32 i32", "i32"),
  wasi("path_open", "i32 i32 i32 i32 i32 i64 i64 i32 i32", "i32"),
  wasi("path_readlink", "i32 i32 i32 i32 i32 i32", "i32"),
  wasi("path_remove_directory", "i32 i32 i32", "i32"),
  wasi("path_rename", "i32 i32 i32 i32 i32 i32", "i32"),
  wasi("path_symlink", "i32 i32 i32 i32 i32", "i32"),
  wasi("path_unlink_file", "i32 i32 i32", "i32"),
  wasi("poll_oneoff", "i32 i32 i32 i32", "i32"),
  wasi("proc_exit", "i32", ""),
  wasi("proc_raise", "i32", "i32"),
  wasi("random_get", "i32 i32", "i32"),
  wasi("sched_yield", "", "i32"),
  wasi("sock_accept", "i32 i32 i32", "i32"),
  wasi("sock_recv", "i32 i32 i32 i32 i32 i32", "i32"),
  wasi("sock_send", "i32 i32 i32 i32 i32", "i32"),
  wasi("sock_shutdown", "i32 i32", "i32"),
];

function wasi(name: string, params: string, results: string): Signature {
  return { module: "wasi_snapshot_preview1", name, params: words(params), results: words(results) };
}

function words(text: string): ("i32" | "i64")[] {
  return text.split(" ").filter((word) => word === "i32" || word === "i64");
}
