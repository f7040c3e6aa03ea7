//! A function in a worker group: its module, its Proto-Faaslet, its idle Faaslets.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, Weak};
use std::time::Duration;

use faaslet_module::ModuleMeta;
use faaslet_wasi::{GlobalFiles, Waits, WasiSettings};
use wasmtime::{ExternType, FuncType, InstancePre, Module, ModuleExport, Mutability, ValType};

use crate::artefact::Artefact;
use crate::faaslet::Faaslet;
use crate::fault::Fault;
use crate::host;
use crate::idle::Idle;
use crate::linking::LibraryCode;
use crate::memory::Image;
use crate::proto::Proto;
use crate::regions::Regions;
use crate::state::{GuestLimits, State};

/// What TypeScript says of a function when it installs it.
pub struct Settings {
    pub id: u32,
    pub before_snapshot: Vec<String>,
    pub entry: String,
    pub after_entry: Option<String>,
    /// A command's standard output is its answer; other modules answer through the host interface.
    pub is_command: bool,
    pub init_timeout: Duration,
    pub guest_limits: GuestLimits,
    pub output_max: usize,
    pub log_max: usize,
    pub idle_max: usize,
    pub wasi: WasiSettings,
    pub files: GlobalFiles,
    /// Path and artefact of each library among the files.
    pub libraries: Vec<(String, Vec<u8>)>,
}

/// An export that runs, looked up once.
#[derive(Clone, Copy)]
pub enum Entry {
    Unit(ModuleExport),
    Value(ModuleExport),
    /// `main(argc, argv)`; called with none.
    Main(ModuleExport),
}

/// Exports that the rewrite added, looked up once.
pub struct Handles {
    pub memory: Option<ModuleExport>,
    pub start: Option<Entry>,
    pub globals: Vec<ModuleExport>,
    pub before: Vec<Entry>,
    pub entry: Entry,
    pub after: Option<Entry>,
    /// The guest's variable `errno`: a constant that is its address.
    pub errno: Option<ModuleExport>,
    /// `__faaslet_alloc(alignment, size)`: for languages whose memory only they may grow.
    pub allocator: Option<ModuleExport>,
    /// `__faaslet_reseed(bits)`: renews what the snapshot froze of a generator of random numbers.
    pub reseed: Option<ModuleExport>,
}

pub struct Function {
    pub pre: InstancePre<State>,
    pub handles: Handles,
    pub meta: ModuleMeta,
    pub settings: Settings,
    /// Told when a call waits in a host function.
    pub waits: Weak<dyn Waits>,
    /// The group's.
    pub regions: Arc<Regions>,
    pub wasi: Arc<WasiSettings>,
    pub files: Arc<GlobalFiles>,
    pub libraries: Arc<[Arc<LibraryCode>]>,
    /// Memory as it is before anything ran.
    pub initial: Arc<Image>,
    /// Set once, by the installation.
    pub proto: OnceLock<Proto>,
    /// True when the module has a way to answer other than its standard output.
    pub writes_output: bool,
    idle: Mutex<Idle>,
    idle_max: AtomicUsize,
    removed: AtomicBool,
}

impl Function {
    pub fn new(
        artefact: Artefact,
        libraries: Vec<LibraryCode>,
        mut settings: Settings,
        waits: Weak<dyn Waits>,
        regions: Arc<Regions>,
    ) -> Result<Self, Fault> {
        let Artefact { module, meta, image, .. } = artefact;
        let pre =
            host::linker()?.instantiate_pre(&module).map_err(|e| Fault::new("ERR_MODULE_IMPORT", format!("{e:#}")))?;
        let minimum = meta.memory.as_ref().map_or(0, |memory| memory.minimum_pages as usize * 65_536);
        let pieces = meta.image.iter().map(|piece| {
            let end = piece.start.saturating_add(piece.length);
            (piece.offset as usize, image.get(piece.start..end).unwrap_or_default())
        });
        let initial = Arc::new(Image::from_pieces(minimum, pieces)?);
        let handles = Handles::find(&module, &meta, &settings)?;
        let writes_output = module.imports().any(|i| i.module() == "env" && i.name() == "__faasm_write_output");
        Ok(Self {
            wasi: Arc::new(std::mem::take(&mut settings.wasi)),
            files: Arc::new(std::mem::take(&mut settings.files)),
            libraries: libraries.into_iter().map(Arc::new).collect(),
            idle_max: AtomicUsize::new(settings.idle_max),
            pre,
            handles,
            meta,
            settings,
            waits,
            regions,
            initial,
            proto: OnceLock::new(),
            writes_output,
            idle: Mutex::default(),
            removed: AtomicBool::new(false),
        })
    }

    /// Whether anything of the guest runs before the snapshot; else memory is as the module has it.
    pub fn runs_before_snapshot(&self) -> bool {
        self.handles.start.is_some() || !self.handles.before.is_empty()
    }

    pub fn take_idle(&self) -> Option<Faaslet> {
        self.idle.lock().ok()?.take()
    }

    /// Whether a Faaslet that is about to be idle may hold pages.
    pub fn has_room_for_pages(&self) -> bool {
        self.idle.lock().is_ok_and(|idle| idle.has_room_for_pages())
    }

    /// Takes the pages of idle Faaslets that were not needed since the last time.
    pub fn cool(&self) {
        // Calls come first: whoever has the lock takes or keeps a Faaslet.
        if let Ok(mut idle) = self.idle.try_lock() {
            idle.cool();
        }
    }

    /// Keeps a Faaslet that was reset; drops it, and says so, when there are enough.
    pub fn keep(&self, faaslet: Faaslet) -> bool {
        if self.removed.load(Ordering::SeqCst) {
            return false;
        }
        if let Ok(mut idle) = self.idle.lock()
            && idle.count() < self.idle_max.load(Ordering::Relaxed)
        {
            idle.put(faaslet);
            return true;
        }
        false
    }

    pub fn idle_count(&self) -> usize {
        self.idle.lock().map_or(0, |idle| idle.count())
    }

    /// Keeps at most so many from now on.
    pub fn trim(&self, idle_max: usize) {
        self.idle_max.store(idle_max, Ordering::Relaxed);
        // Dropped without the lock.
        let surplus = self.idle.lock().map(|mut idle| idle.shrink(idle_max));
        drop(surplus);
    }

    /// No Faaslet is kept any more; running calls end as they would have.
    pub fn retire(&self) {
        self.removed.store(true, Ordering::SeqCst);
        self.trim(0);
    }
}

impl Handles {
    fn find(module: &Module, meta: &ModuleMeta, settings: &Settings) -> Result<Self, Fault> {
        let export = |name: &str| {
            module.get_export_index(name).ok_or_else(|| Fault::new("ERR_MODULE_ENTRY", format!("no export {name:?}")))
        };
        let entry = |name: &String| Entry::find(module, name);
        let globals = meta.mutable_globals.iter().map(|global| export(&global.export)).collect::<Result<_, _>>()?;
        Ok(Self {
            memory: meta.memory.as_ref().map(|_| export(faaslet_module::MEMORY_EXPORT)).transpose()?,
            start: meta.start_export.as_ref().map(entry).transpose()?,
            globals,
            before: settings.before_snapshot.iter().map(entry).collect::<Result<_, _>>()?,
            entry: entry(&settings.entry)?,
            after: settings.after_entry.as_ref().map(entry).transpose()?,
            errno: constant(module, "errno"),
            allocator: function(module, "__faaslet_alloc", 2, 1),
            reseed: reseed(module),
        })
    }
}

/// An exported constant of type i32.
fn constant(module: &Module, name: &str) -> Option<ModuleExport> {
    match module.get_export(name)? {
        ExternType::Global(kind) if kind.content().is_i32() && kind.mutability() == Mutability::Const => {
            module.get_export_index(name)
        }
        _ => None,
    }
}

/// An exported function of so many i32 parameters and results.
fn function(module: &Module, name: &str, params: usize, results: usize) -> Option<ModuleExport> {
    match module.get_export(name)? {
        ExternType::Func(kind) if are_i32s(kind.params(), params) && are_i32s(kind.results(), results) => {
            module.get_export_index(name)
        }
        _ => None,
    }
}

/// The hook that takes 64 fresh bits.
fn reseed(module: &Module) -> Option<ModuleExport> {
    const NAME: &str = "__faaslet_reseed";
    let ExternType::Func(kind) = module.get_export(NAME)? else { return None };
    let takes_bits = kind.params().len() == 1 && kind.params().all(|kind| matches!(kind, ValType::I64));
    if takes_bits && kind.results().len() == 0 { module.get_export_index(NAME) } else { None }
}

fn are_i32s(types: impl Iterator<Item = ValType>, count: usize) -> bool {
    let (mut all, mut i32s) = (0, true);
    for value in types {
        all += 1;
        i32s &= matches!(value, ValType::I32);
    }
    all == count && i32s
}

impl Entry {
    fn find(module: &Module, name: &str) -> Result<Self, Fault> {
        let wrong = |what: &str| Fault::new("ERR_MODULE_ENTRY", format!("export {name:?} {what}"));
        let index = module.get_export_index(name).ok_or_else(|| wrong("is missing"))?;
        let Some(ExternType::Func(kind)) = module.get_export(name) else {
            return Err(wrong("is not a function"));
        };
        let signature =
            |kind: &FuncType, params, results| are_i32s(kind.params(), params) && are_i32s(kind.results(), results);
        match () {
            () if signature(&kind, 0, 0) => Ok(Self::Unit(index)),
            () if signature(&kind, 0, 1) => Ok(Self::Value(index)),
            () if signature(&kind, 2, 1) => Ok(Self::Main(index)),
            () => Err(wrong("has another type than () -> (), () -> i32 or (i32, i32) -> i32")),
        }
    }
}
