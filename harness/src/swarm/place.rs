//! Processes and handles, and how sure it is that they are there.

/// A handle of a process, by their numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Number of the process.
    pub process: usize,
    /// Number of the handle within the process.
    pub handle: usize,
}

impl Place {
    /// The process's name; none for the one that steps mean if they name none.
    pub fn process_name(self) -> Option<String> {
        ["other", "third", "fourth"].get(self.process.checked_sub(1)?).map(|name| (*name).to_owned())
    }

    /// The handle's name; none for the one that steps mean if they name none.
    pub fn handle_name(self) -> Option<String> {
        ["second", "third"].get(self.handle.checked_sub(1)?).map(|name| (*name).to_owned())
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Handle {
    Closed,
    /// Its process may have died under it; the runner then opens it again when it is needed.
    Unsure,
    Open,
}

#[derive(Clone, Debug)]
struct Process {
    dead: bool,
    handles: Vec<Handle>,
}

/// Every process with its handles.
#[derive(Clone, Debug)]
pub struct Places {
    processes: Vec<Process>,
}

impl Places {
    /// The first handle of the first process is open, and nothing else.
    pub fn new(processes: u32, handles: u32) -> Self {
        let process = Process { dead: false, handles: vec![Handle::Closed; handles.max(1) as usize] };
        let mut places = Places { processes: vec![process; processes.max(1) as usize] };
        places.opened(Place { process: 0, handle: 0 });
        places
    }

    /// Every place.
    pub fn all(&self) -> Vec<Place> {
        let of = |(process, it): (usize, &Process)| {
            (0..it.handles.len()).map(move |handle| Place { process, handle }).collect::<Vec<_>>()
        };
        self.processes.iter().enumerate().flat_map(of).collect()
    }

    /// Handles of a process that are, or may be, open.
    pub fn open_in(&self, process: usize) -> Vec<Place> {
        let open = |place: &Place| place.process == process && self.handle(*place) != Handle::Closed;
        self.all().into_iter().filter(open).collect()
    }

    /// Whether the process has been killed.
    pub fn is_dead(&self, process: usize) -> bool {
        self.processes[process].dead
    }

    /// Whether the handle has never been opened, or was closed for certain.
    pub fn is_closed(&self, place: Place) -> bool {
        self.handle(place) == Handle::Closed
    }

    /// Whether the handle is open for certain.
    pub fn is_open(&self, place: Place) -> bool {
        self.handle(place) == Handle::Open
    }

    /// The handle is open, and so its process lives.
    pub fn opened(&mut self, place: Place) {
        self.processes[place.process].handles[place.handle] = Handle::Open;
    }

    /// The process lives, with no handle open.
    pub fn started(&mut self, process: usize) {
        self.processes[process].dead = false;
        self.processes[process].handles.fill(Handle::Closed);
    }

    /// The process may have died.
    pub fn may_have_died(&mut self, process: usize) {
        let open = self.processes[process].handles.iter_mut().filter(|handle| **handle == Handle::Open);
        open.for_each(|handle| *handle = Handle::Unsure);
    }

    /// The process has died.
    pub fn died(&mut self, process: usize) {
        self.processes[process].dead = true;
        self.processes[process].handles.fill(Handle::Closed);
    }

    fn handle(&self, place: Place) -> Handle {
        self.processes[place.process].handles[place.handle]
    }
}
