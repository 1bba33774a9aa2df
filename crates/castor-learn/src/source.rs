//! Where training samples come from: generators, kept pools, and mixtures of them.

use castor_domain::symbol::{BoxImage, SYMBOL_CLASSES};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use crate::augment::Augmentation;
use crate::error::LearnError;
use crate::num::wide;
use crate::sample::Sample;
use crate::seed::{Purpose, stream};

/// Something that samples can be drawn from; all chance comes from the stream given.
///
/// A closure `Fn(&mut ChaCha8Rng) -> Sample` is a source.
pub trait Source: Sync {
    /// Draws one sample.
    fn draw(&self, rng: &mut ChaCha8Rng) -> Sample;
}

impl<F: Fn(&mut ChaCha8Rng) -> Sample + Sync> Source for F {
    fn draw(&self, rng: &mut ChaCha8Rng) -> Sample {
        self(rng)
    }
}

/// Draws samples once, to be kept: the same seed and purpose give the same samples on any number of threads.
#[must_use]
pub fn draw_many(source: &dyn Source, count: usize, seed: u64, purpose: Purpose) -> Vec<Sample> {
    (0..count)
        .into_par_iter()
        .map(|i| source.draw(&mut stream(seed, purpose, wide(i))))
        .collect()
}

/// Kept samples, drawn again and again, each time spoilt anew.
///
/// Rare classes are drawn more often than they occur: a class of n samples has a weight of √n, so that fillers, which
/// fill most boxes of a form, do not crowd out the digits, and a handful of samples is not repeated without end.
#[derive(Debug)]
pub struct Pool<'a> {
    samples: &'a [Sample],
    by_class: Vec<Vec<usize>>,
    cumulative: Vec<f64>,
    augmentation: Augmentation,
}

impl<'a> Pool<'a> {
    /// A pool over samples.
    ///
    /// # Errors
    /// [`LearnError::NoSamples`] when there are none.
    pub fn new(samples: &'a [Sample], augmentation: Augmentation) -> Result<Self, LearnError> {
        if samples.is_empty() {
            return Err(LearnError::NoSamples("a pool needs at least one sample"));
        }
        // The last class holds the samples whose symbol is not known.
        let mut by_class = vec![Vec::new(); SYMBOL_CLASSES + 1];
        for (i, sample) in samples.iter().enumerate() {
            by_class[sample.symbol.map_or(SYMBOL_CLASSES, |s| s.class())].push(i);
        }
        by_class.retain(|class| !class.is_empty());
        let mut sum = 0.0;
        let cumulative = by_class
            .iter()
            .map(|class| {
                sum += (class.len() as f64).sqrt();
                sum
            })
            .collect();
        Ok(Self {
            samples,
            by_class,
            cumulative,
            augmentation,
        })
    }

    fn neighbour(&self, rng: &mut ChaCha8Rng) -> &BoxImage {
        &self.samples[rng.random_range(0..self.samples.len())].image
    }
}

impl Source for Pool<'_> {
    fn draw(&self, rng: &mut ChaCha8Rng) -> Sample {
        let sum = self.cumulative.last().copied().unwrap_or(1.0);
        let at = rng.random_range(0.0..sum);
        let class = self.cumulative.partition_point(|c| *c <= at);
        let members = &self.by_class[class.min(self.by_class.len() - 1)];
        let sample = &self.samples[members[rng.random_range(0..members.len())]];
        let neighbour = self.neighbour(rng);
        Sample {
            image: self.augmentation.apply(rng, &sample.image, neighbour),
            ..sample.clone()
        }
    }
}

/// A source whose samples are spoilt further.
#[derive(Debug, Clone, Copy)]
pub struct Spoilt<S> {
    source: S,
    augmentation: Augmentation,
}

impl<S: Source> Spoilt<S> {
    /// Spoils what a source draws.
    #[must_use]
    pub fn new(source: S, augmentation: Augmentation) -> Self {
        Self { source, augmentation }
    }
}

impl<S: Source> Source for Spoilt<S> {
    fn draw(&self, rng: &mut ChaCha8Rng) -> Sample {
        let mut sample = self.source.draw(rng);
        sample.image = self.augmentation.apply(rng, &sample.image, &sample.image);
        sample
    }
}

/// Several sources, each drawn from with its own weight.
#[derive(Default)]
pub struct Mixture<'a> {
    parts: Vec<(f64, Box<dyn Source + 'a>)>,
}

impl<'a> Mixture<'a> {
    /// A mixture of nothing; it must get a part before it is drawn from.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a source with a weight above 0.
    #[must_use]
    pub fn with(mut self, weight: f64, source: impl Source + 'a) -> Self {
        self.parts.push((weight, Box::new(source)));
        self
    }
}

impl Source for Mixture<'_> {
    /// # Panics
    /// When the mixture has no part.
    fn draw(&self, rng: &mut ChaCha8Rng) -> Sample {
        let sum: f64 = self.parts.iter().map(|(w, _)| w).sum();
        let mut at = rng.random_range(0.0..sum);
        for (weight, source) in &self.parts[..self.parts.len() - 1] {
            if at < *weight {
                return source.draw(rng);
            }
            at -= weight;
        }
        self.parts[self.parts.len() - 1].1.draw(rng)
    }
}
