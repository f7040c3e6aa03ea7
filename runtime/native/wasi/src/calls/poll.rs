//! `poll_oneoff`: clocks and descriptors. Language runtimes call it all the time, so what is ready at once costs little.

use std::os::fd::RawFd;
use std::time::Instant;

use rustix::event::PollFlags;
use wiggle::{GuestMemory, GuestPtr};

use crate::abi::types::{
    Clockid, Errno, Event, EventFdReadwrite, Eventrwflags, Eventtype, Fd, Rights, Subclockflags, Subscription,
    SubscriptionClock, SubscriptionU,
};
use crate::clock;
use crate::control::Ended;
use crate::descriptors::Target;
use crate::failure::Result;
use crate::stdio::{Sink, Stdin, borrow};
use crate::wasi::Wasi;

/// Subscriptions of one call; more are no honest program's.
const SUBSCRIPTIONS_MAX: u32 = 4096;

/// What has to happen before a subscription is ready.
enum Wait {
    Nothing(u64),
    Time(Instant),
    Descriptor(RawFd, PollFlags),
}

struct Waiting {
    userdata: u64,
    kind: Eventtype,
    wait: Wait,
}

impl Wasi {
    pub(super) fn poll(
        &self,
        memory: &mut GuestMemory<'_>,
        subscriptions: GuestPtr<Subscription>,
        events: GuestPtr<Event>,
        count: u32,
    ) -> Result<u32> {
        if count == 0 || count > SUBSCRIPTIONS_MAX {
            return Err(if count == 0 { Errno::Inval } else { Errno::Nomem }.into());
        }
        let mut all = Vec::with_capacity(count as usize);
        for pointer in subscriptions.as_array(count).iter() {
            all.push(self.waiting(&memory.read(pointer?)?)?);
        }
        let ready = self.wait(&all)?;
        let mut written = 0;
        for event in ready {
            memory.write(events.add(written)?, event)?;
            written += 1;
        }
        Ok(written)
    }

    fn waiting(&self, subscription: &Subscription) -> Result<Waiting> {
        let (kind, wait) = match &subscription.u {
            SubscriptionU::Clock(clock) => (Eventtype::Clock, self.clock_wait(clock)?),
            SubscriptionU::FdRead(read) => (Eventtype::FdRead, self.read_wait(read.file_descriptor)?),
            SubscriptionU::FdWrite(write) => (Eventtype::FdWrite, self.write_wait(write.file_descriptor)?),
        };
        Ok(Waiting { userdata: subscription.userdata, kind, wait })
    }

    fn clock_wait(&self, clock: &SubscriptionClock) -> Result<Wait> {
        let now = Instant::now();
        let is_absolute = clock.flags.contains(Subclockflags::SUBSCRIPTION_CLOCK_ABSTIME);
        Ok(match (clock.id, is_absolute) {
            (Clockid::Realtime | Clockid::Monotonic, false) => Wait::Time(clock::add(now, clock.timeout)),
            (Clockid::Monotonic, true) => Wait::Time(clock::instant_of_monotonic(clock.timeout)),
            (Clockid::Realtime, true) => {
                Wait::Time(clock::add(now, clock.timeout.saturating_sub(clock::realtime_ns(1))))
            }
            _ => return Err(Errno::Inval.into()),
        })
    }

    fn read_wait(&self, fd: Fd) -> Result<Wait> {
        let descriptor = self.descriptors().get(fd.into())?;
        Ok(match (descriptor.target, &self.stdin) {
            (Target::Socket(number), _) => Wait::Descriptor(self.sockets.get(number)?.raw(), PollFlags::IN),
            (Target::Answer(number), _) => {
                self.answers.get(number)?.waits_for().map_or(Wait::Nothing(1), |fd| Wait::Descriptor(fd, PollFlags::IN))
            }
            (Target::Stdin, Stdin::Descriptor(fd)) => Wait::Descriptor(*fd, PollFlags::IN),
            (Target::Stdin, Stdin::Bytes(bytes, at)) => Wait::Nothing((bytes.len() - at) as u64),
            (Target::Stdin, Stdin::Empty) => Wait::Nothing(0),
            (Target::File(inode), _) if descriptor.rights.contains(Rights::FD_READ) => {
                let size = self.files.node(inode).map_or(0, |node| node.size());
                let offset = self.descriptors().open_of(fd.into()).map_or(0, |open| open.offset);
                Wait::Nothing(size.saturating_sub(offset))
            }
            _ => return Err(Errno::Badf.into()),
        })
    }

    fn write_wait(&self, fd: Fd) -> Result<Wait> {
        let descriptor = self.descriptors().get(fd.into())?;
        Ok(match (descriptor.target, &self.stdout, &self.stderr) {
            (Target::Socket(number), ..) => Wait::Descriptor(self.sockets.get(number)?.raw(), PollFlags::OUT),
            (Target::Stdout, Sink::Descriptor(fd), _) | (Target::Stderr, _, Sink::Descriptor(fd)) => {
                Wait::Descriptor(*fd, PollFlags::OUT)
            }
            (Target::Stdout | Target::Stderr, ..) => Wait::Nothing(1),
            (Target::File(_), ..) if descriptor.rights.contains(Rights::FD_WRITE) => Wait::Nothing(1),
            _ => return Err(Errno::Badf.into()),
        })
    }

    /// Waits until something is ready, and gives all that is.
    fn wait(&self, all: &[Waiting]) -> Result<Vec<Event>> {
        self.control.go_on()?;
        let first = all.iter().filter_map(|one| if let Wait::Time(time) = one.wait { Some(time) } else { None }).min();
        let is_ready = all.iter().any(|one| matches!(one.wait, Wait::Nothing(_)));
        let fds: Vec<_> = all
            .iter()
            .filter_map(|one| if let Wait::Descriptor(fd, flags) = one.wait { Some((borrow(fd), flags)) } else { None })
            .collect();
        let mut fds_ready = Vec::new();
        if !fds.is_empty() {
            // With something ready already this is only a look.
            let until = if is_ready { Some(Instant::now()) } else { first };
            fds_ready = self.control.wait_fds(&fds, until)?;
        } else if let (Some(first), false) = (first, is_ready)
            && let Some(why) = self.control.wait_until(first)
        {
            return Err(Ended::Interrupted(why).into());
        }
        let now = Instant::now();
        let mut fds_ready = fds_ready.into_iter();
        let mut events = Vec::new();
        for one in all {
            match one.wait {
                Wait::Nothing(bytes) => events.push(one.event(bytes)),
                Wait::Time(time) if now >= time => events.push(one.event(0)),
                Wait::Time(_) => {}
                Wait::Descriptor(..) if fds_ready.next() == Some(true) => events.push(one.event(1)),
                Wait::Descriptor(..) => {}
            }
        }
        Ok(events)
    }
}

impl Waiting {
    fn event(&self, nbytes: u64) -> Event {
        let ended = self.kind == Eventtype::FdRead && nbytes == 0;
        let flags = if ended { Eventrwflags::FD_READWRITE_HANGUP } else { Eventrwflags::empty() };
        Event {
            userdata: self.userdata,
            error: Errno::Success,
            type_: self.kind,
            fd_readwrite: EventFdReadwrite { nbytes, flags },
        }
    }
}
