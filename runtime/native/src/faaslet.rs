//! A Faaslet: one isolated instance of a function, able to run one call at a time.

use std::sync::{Arc, Weak};
use std::time::Instant;

use faaslet_wasi::{CallControl, Errno, SharedFiles, Sink, Stdin, Wasi};
use wasmtime::{Engine, Global, Instance, Memory, Ref, Store, TypedFunc, UpdateDeadline};

use crate::ending::Ending;
use crate::engine::{Running, engine};
use crate::fault::Fault;
use crate::function::{Entry, Function, Handles};
use crate::host::AnswerHead;
use crate::linking::{self, Linking};
use crate::memory::{Image, create_with};
use crate::proto::{Proto, TableDifference};
use crate::regions::RegionUse;
use crate::shared_files::{FileCache, Finder, Nobody};
use crate::slow::{Answers, Owner, SlowCalls, Trust};
use crate::state::{CallIo, ChainGrant, Chains, State};

pub struct Faaslet {
    pub store: Store<State>,
    pub instance: Instance,
    pub globals: Vec<Global>,
    memory: Option<Memory>,
    entry: Typed,
    after: Option<Typed>,
    table_entry: Option<u32>,
    /// Runs at the beginning of a call that starts from a snapshot.
    reseed: Option<TypedFunc<u64, ()>>,
}

/// An export that is ready to be called.
#[derive(Clone)]
enum Typed {
    Unit(TypedFunc<(), ()>),
    Value(TypedFunc<(), i32>),
    Main(TypedFunc<(i32, i32), i32>),
}

/// What a call gets.
pub struct CallInput {
    pub bytes: Arc<[u8]>,
    /// Entries, each ended by NUL.
    pub environment: String,
    pub arguments: String,
    pub stdin: Stdin,
    pub stdout: Sink,
    pub stderr: Sink,
    pub deadline: Option<Instant>,
    pub asking: Option<Asking>,
    /// Enters at this index of the module's first table, instead of at the function's entry.
    pub table_entry: Option<u32>,
    /// What `__faasm_get_idx` gives.
    pub index: i32,
}

/// Who answers the call's slow host calls, and what it may ask for.
pub struct Asking {
    pub owner: Weak<dyn Owner>,
    pub call: u32,
    pub answers: Arc<Answers>,
    pub grant: ChainGrant,
    pub shared: Arc<FileCache>,
    pub trust: Arc<Trust>,
}

/// What a call left behind.
pub struct CallEnd {
    /// The entry's return value, or why there is none.
    pub result: Result<i32, Ending>,
    pub written: Option<Vec<u8>>,
    /// Header lines of its answer.
    pub head: Vec<u8>,
    pub stdout: Sink,
    pub stderr: Sink,
    pub memory_bytes: usize,
}

impl Faaslet {
    /// A Faaslet as the module's author wrote it: nothing has run in it yet.
    pub fn cold(function: &Function) -> Result<Self, Fault> {
        Self::instantiate(function, &function.initial)
    }

    /// A Faaslet that is where the Proto-Faaslet was.
    pub fn restore(function: &Function, proto: &Proto) -> Result<Self, Fault> {
        let mut faaslet = Self::instantiate(function, &proto.image)?;
        faaslet.set_globals(proto)?;
        for difference in &proto.tables {
            faaslet.apply(difference)?;
        }
        linking::restore(&mut faaslet.store, &proto.linking)?;
        faaslet.find_reseed(function)?;
        faaslet.restore_state(proto);
        Ok(faaslet)
    }

    fn instantiate(function: &Function, image: &Arc<Image>) -> Result<Self, Fault> {
        let engine: &Engine = engine()?;
        let control = Arc::new(CallControl::new(function.waits.clone()));
        let state = State {
            wasi: Wasi::new(function.wasi.clone(), function.files.clone(), control.clone()),
            control,
            shape: None,
            chains: Chains::default(),
            slow: None,
            io: CallIo {
                input: Arc::from([]),
                output: None,
                output_max: function.settings.output_max,
                head: AnswerHead::default(),
            },
            limits: function.settings.guest_limits,
            table_elements: 0,
            seen_tick: 0,
            memory: None,
            blocks: Arc::default(),
            has_wrapped_exports: function.settings.entry == "_start",
            regions: RegionUse::new(function.regions.clone()),
            allocator: None,
            errno: Errno::Success,
            errno_place: None,
            linking: Linking::new(function.libraries.clone()),
            has_used_state: false,
        };
        let mut store = Store::try_new(engine, state).map_err(|e| Fault::capacity("a Faaslet", e))?;
        store.limiter(|state| state);
        // The limiter sees the module's minimum only; the snapshot may be larger.
        if image.bytes() > function.settings.guest_limits.memory_bytes {
            return Err(Fault::new("ERR_MODULE_LIMIT", "the memory at the start is over the function's limit"));
        }
        store.epoch_deadline_callback(|context| match context.data().control.check() {
            Some(interrupt) => Err(wasmtime::Error::new(faaslet_wasi::Ended::Interrupted(interrupt))),
            None => Ok(UpdateDeadline::Continue(1)),
        });
        let (made, shape) = create_with(image, || function.pre.instantiate(&mut store));
        store.data_mut().shape = shape.transpose()?;
        let instance = made.map_err(|e| Fault::capacity("a Faaslet", format!("{e:#}")))?;
        let handles = &function.handles;
        let memory = handles.memory.and_then(|h| instance.get_module_export(&mut store, &h)?.into_memory());
        let mut globals = Vec::with_capacity(handles.globals.len());
        for handle in &handles.globals {
            let global = instance.get_module_export(&mut store, handle).and_then(wasmtime::Extern::into_global);
            globals.push(global.ok_or_else(|| Fault::bug("a global's export is gone"))?);
        }
        store.data_mut().memory = memory;
        store.data_mut().linking.program = Some(instance);
        Self::find_helpers(&mut store, &instance, handles)?;
        let entry = Typed::get(handles.entry, &instance, &mut store)?;
        let after = handles.after.map(|after| Typed::get(after, &instance, &mut store)).transpose()?;
        Ok(Self { store, instance, globals, memory, entry, after, table_entry: None, reseed: None })
    }

    /// Runs the start function and the initialiser; the ending when one of them did not return.
    pub fn initialise(&mut self, function: &Function) -> Result<Result<(), Ending>, Fault> {
        for entry in function.handles.start.iter().chain(&function.handles.before) {
            let export = Typed::get(*entry, &self.instance, &mut self.store)?;
            match self.enter(&export) {
                Ok(0) => {}
                Ok(value) => return Ok(Err(Ending::Exit(value))),
                Err(ending) => return Ok(Err(ending)),
            }
        }
        Ok(Ok(()))
    }

    /// Prepares a call: deadline, input, output.
    pub fn begin(&mut self, input: CallInput) {
        let state = self.store.data_mut();
        state.control.begin(input.deadline);
        state.io.input = input.bytes;
        state.io.output = None;
        state.io.head = AnswerHead::default();
        state.chains = Chains { index: input.index, ..Chains::default() };
        let shared = input.asking.as_ref().map(|asking| asking.shared.clone());
        state.slow = input.asking.map(|Asking { owner, call, answers, grant, trust, .. }| {
            state.chains.left = grant;
            SlowCalls { owner, call, answers, control: state.control.clone(), last_ticket: Arc::default(), trust }
        });
        let finder: Box<dyn SharedFiles> = match state.slow.clone().zip(shared) {
            Some((slow, cache)) => Box::new(Finder { slow, cache }),
            None => Box::new(Nobody),
        };
        state.wasi.set_shared_files(Some(finder));
        self.table_entry = input.table_entry;
        state.wasi.begin_call(input.stdin, input.stdout, input.stderr, input.environment, input.arguments);
    }

    /// Runs the entry, then what has to run after it.
    pub fn run(&mut self) -> Result<i32, Ending> {
        let _running = Running::start();
        let entry = match self.table_entry {
            Some(index) => self.entry_in_table(index).map_err(Ending::Fault)?,
            None => self.entry.clone(),
        };
        let mut result = self.renew_seed().and_then(|()| self.enter(&entry));
        // C's exit handlers flush what stdio holds; they run for a returned value only, as in FAASM.
        if let (Ok(_), Some(after)) = (&result, self.after.clone())
            && let Err(ending) = self.enter(&after)
        {
            result = Err(ending);
        }
        match result {
            Err(Ending::Exit(value)) => Ok(value),
            other => other,
        }
    }

    /// Takes what the call produced.
    pub fn finish(&mut self, result: Result<i32, Ending>) -> CallEnd {
        let state = self.store.data_mut();
        let (stdout, stderr) = state.wasi.end_call();
        state.io.input = Arc::from([]);
        state.chains = Chains::default();
        state.slow = None;
        state.regions.end_call();
        let memory_bytes = state.shape.as_ref().map_or(0, |shape| shape.bytes());
        CallEnd {
            result,
            written: state.io.output.take(),
            head: state.io.head.take_lines(),
            stdout,
            stderr,
            memory_bytes,
        }
    }

    /// A function that another Faaslet of the same module named by its place in the table.
    fn entry_in_table(&mut self, index: u32) -> Result<Typed, Fault> {
        let wrong = || Fault::new("ERR_GUEST_MISUSE", format!("entry {index} of the table is no function () -> i32"));
        let table = self.instance.get_table(&mut self.store, &faaslet_module::table_export(0)).ok_or_else(wrong)?;
        match table.get(&mut self.store, u64::from(index)) {
            Some(Ref::Func(Some(function))) => function.typed(&self.store).map(Typed::Value).map_err(|_| wrong()),
            _ => Err(wrong()),
        }
    }

    fn find_reseed(&mut self, function: &Function) -> Result<(), Fault> {
        let Some(handle) = function.handles.reseed else { return Ok(()) };
        let hook = self.instance.get_module_export(&mut self.store, &handle).and_then(wasmtime::Extern::into_func);
        let hook = hook.ok_or_else(|| Fault::bug("the reseed hook is gone"))?;
        self.reseed = Some(hook.typed(&self.store).map_err(Fault::bug)?);
        Ok(())
    }

    /// Clones of one snapshot would draw the same numbers from a generator that it froze.
    fn renew_seed(&mut self) -> Result<(), Ending> {
        let Some(hook) = self.reseed.clone() else { return Ok(()) };
        let bits = faaslet_wasi::fresh_bits().map_err(|e| Ending::Fault(Fault::capacity("random bits", e)))?;
        if let Some(shape) = &self.store.data().shape {
            shape.soil().map_err(Ending::Fault)?;
        }
        self.store.set_epoch_deadline(1);
        hook.call(&mut self.store, bits).map_err(|error| Ending::of(&error))
    }

    fn enter(&mut self, export: &Typed) -> Result<i32, Ending> {
        if let Some(shape) = &self.store.data().shape {
            shape.soil().map_err(Ending::Fault)?;
        }
        self.store.set_epoch_deadline(1);
        let returned = match export {
            Typed::Unit(function) => function.call(&mut self.store, ()).map(|()| 0),
            Typed::Value(function) => function.call(&mut self.store, ()),
            Typed::Main(function) => function.call(&mut self.store, (0, 0)),
        };
        returned.map_err(|error| Ending::of(&error))
    }

    /// Back to the Proto-Faaslet, byte for byte. An error means that the Faaslet must be dropped. With `may_hold` it keeps
    /// pages so that its next call is faster.
    pub fn reset(&mut self, proto: &Proto, may_hold: bool) -> Result<(), Fault> {
        if self.reset_memory(may_hold)?
            && let Some(memory) = self.memory
        {
            // Growth by nothing makes Wasmtime read the length again.
            memory.grow(&mut self.store, 0).map_err(Fault::bug)?;
        }
        self.store.data_mut().regions.unmapped();
        self.set_globals(proto)?;
        linking::reset(&mut self.store, &proto.linking)?;
        self.restore_state(proto);
        Ok(())
    }

    /// Whether a reset makes it new again: libraries that a call opened cannot be taken away.
    pub fn can_be_reset(&self, proto: &Proto) -> bool {
        linking::is_unchanged(self.store.data(), &proto.linking)
    }

    /// Its memory alone, so that the next Faaslet can have the mapping. True when the length changed.
    pub fn reset_memory(&self, may_hold: bool) -> Result<bool, Fault> {
        self.store.data().shape.as_ref().map_or(Ok(false), |shape| shape.reset(may_hold))
    }

    /// Whether the last reset left it pages.
    pub fn holds_pages(&self) -> bool {
        self.store.data().shape.as_ref().is_some_and(|shape| shape.holds_pages())
    }

    /// Gives back the pages that a reset left. True when there were some.
    pub fn cool(&self) -> bool {
        self.store.data().shape.as_ref().is_some_and(|shape| shape.cool().unwrap_or(false))
    }

    /// What host functions keep of the Faaslet.
    fn restore_state(&mut self, proto: &Proto) {
        let state = self.store.data_mut();
        state.wasi.reset(&proto.wasi);
        if !Arc::ptr_eq(&state.blocks, &proto.blocks) {
            state.blocks = proto.blocks.clone();
        }
        state.errno = Errno::Success;
    }

    /// What host functions use of the guest's own exports.
    fn find_helpers(store: &mut Store<State>, instance: &Instance, handles: &Handles) -> Result<(), Fault> {
        if let Some(handle) = handles.errno
            && let Some(global) =
                instance.get_module_export(&mut *store, &handle).and_then(wasmtime::Extern::into_global)
        {
            store.data_mut().errno_place = global.get(&mut *store).i32().map(i32::cast_unsigned);
        }
        if let Some(handle) = handles.allocator
            && let Some(allocator) =
                instance.get_module_export(&mut *store, &handle).and_then(wasmtime::Extern::into_func)
        {
            let allocator = allocator.typed(&*store).map_err(Fault::bug)?;
            store.data_mut().allocator = Some(allocator);
        }
        Ok(())
    }

    fn set_globals(&mut self, proto: &Proto) -> Result<(), Fault> {
        for (global, value) in self.globals.iter().zip(&proto.globals) {
            global.set(&mut self.store, *value).map_err(Fault::bug)?;
        }
        Ok(())
    }

    fn apply(&mut self, difference: &TableDifference) -> Result<(), Fault> {
        let name = faaslet_module::table_export(difference.table);
        let table = self.instance.get_table(&mut self.store, &name).ok_or_else(|| Fault::bug(&name))?;
        if difference.grown_by > 0 {
            table.grow(&mut self.store, difference.grown_by, Ref::Func(None)).map_err(Fault::bug)?;
        }
        for (entry, target) in &difference.entries {
            let target = match target {
                Some(number) => {
                    let name = faaslet_module::function_export(*number);
                    Some(self.instance.get_func(&mut self.store, &name).ok_or_else(|| Fault::bug(&name))?)
                }
                None => None,
            };
            table.set(&mut self.store, *entry, Ref::Func(target)).map_err(Fault::bug)?;
        }
        Ok(())
    }
}

impl Typed {
    fn get(entry: Entry, instance: &Instance, store: &mut Store<State>) -> Result<Self, Fault> {
        let (Entry::Unit(handle) | Entry::Value(handle) | Entry::Main(handle)) = entry;
        let function = instance.get_module_export(&mut *store, &handle).and_then(wasmtime::Extern::into_func);
        let function = function.ok_or_else(|| Fault::bug("an entry's export is gone"))?;
        match entry {
            Entry::Unit(_) => function.typed(&*store).map(Self::Unit),
            Entry::Value(_) => function.typed(&*store).map(Self::Value),
            Entry::Main(_) => function.typed(&*store).map(Self::Main),
        }
        .map_err(Fault::bug)
    }
}
