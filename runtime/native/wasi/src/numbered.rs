//! What a Faaslet has open beyond files, by numbers that descriptors have for it.

use crate::abi::types::Errno;
use crate::failure::Result;

pub struct Numbered<T>(Vec<Option<T>>);

impl<T> Default for Numbered<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T> Numbered<T> {
    pub fn get(&self, number: u32) -> Result<&T> {
        Ok(self.0.get(number as usize).and_then(Option::as_ref).ok_or(Errno::Badf)?)
    }

    pub fn get_mut(&mut self, number: u32) -> Result<&mut T> {
        Ok(self.0.get_mut(number as usize).and_then(Option::as_mut).ok_or(Errno::Badf)?)
    }

    pub fn add(&mut self, one: T) -> Result<u32> {
        let place = self.0.iter().position(Option::is_none).unwrap_or(self.0.len());
        if place == self.0.len() {
            self.0.push(None);
        }
        self.0[place] = Some(one);
        Ok(u32::try_from(place).map_err(|_| Errno::Mfile)?)
    }

    pub fn close(&mut self, number: u32) {
        if let Some(place) = self.0.get_mut(number as usize) {
            *place = None;
        }
    }

    pub fn close_all(&mut self) {
        self.0.clear();
    }
}
