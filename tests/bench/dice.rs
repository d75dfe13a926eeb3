//! Chance that can be repeated: a small generator of random numbers and a table for drawing by weight.
//!
//! Not for secrets. The same seed gives the same numbers on every machine.

/// SplitMix64: one addition and three multiplications a number, which is what 300,000 messages a second can afford.
#[derive(Clone)]
pub(crate) struct Dice(u64);

impl Dice {
    /// Independent streams come from one seed and different `stream` numbers.
    pub(crate) fn new(seed: u64, stream: u64) -> Dice {
        let mut dice = Dice(seed ^ stream.wrapping_mul(0xd134_2543_de82_ef95));
        dice.next();
        Dice(dice.next() ^ stream)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number in `0..n`; 0 when `n` is 0.
    pub(crate) fn below(&mut self, n: usize) -> usize {
        ((u128::from(self.next()) * n as u128) >> 64) as usize
    }

    /// A number in `0.0..1.0`.
    pub(crate) fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }

    pub(crate) fn chance(&mut self, p: f64) -> bool {
        self.unit() < p
    }

    /// An exponentially distributed number with this mean.
    pub(crate) fn exponential(&mut self, mean: f64) -> f64 {
        -(1.0 - self.unit()).ln() * mean
    }

    /// One of `list`; an empty list gives the default.
    pub(crate) fn pick<T: Copy + Default>(&mut self, list: &[T]) -> T {
        list.get(self.below(list.len())).copied().unwrap_or_default()
    }

    /// The text form of a random GUID.
    pub(crate) fn guid(&mut self) -> String {
        let (a, b) = (self.next(), self.next());
        format!(
            "{:08x}-{:04x}-4{:03x}-{:04x}-{:012x}",
            a >> 32,
            (a >> 16) & 0xffff,
            a & 0xfff,
            0x8000 | ((b >> 48) & 0x3fff),
            b & 0xffff_ffff_ffff
        )
    }
}

/// Draws numbers by weight in constant time (Walker's alias method).
pub(crate) struct Alias {
    /// For each slot the share of its own number, of 2^32, and the number that gets the rest.
    slots: Vec<(u32, u32)>,
}

impl Alias {
    /// Rank `r`, counted from 0, has the weight `1 / (r + shift)^power`.
    pub(crate) fn zipf(n: usize, shift: f64, power: f64) -> Alias {
        let weights: Vec<f64> = (0..n).map(|rank| (rank as f64 + shift).powf(-power)).collect();
        let mean = weights.iter().sum::<f64>() / n.max(1) as f64;
        let mut shares: Vec<f64> = weights.iter().map(|weight| weight / mean).collect();
        let mut slots = vec![(u32::MAX, 0); n];
        let (mut small, mut large): (Vec<usize>, Vec<usize>) = (0..n).partition(|index| shares[*index] < 1.0);
        while let (Some(low), Some(high)) = (small.pop(), large.pop()) {
            slots[low] = ((shares[low] * 4_294_967_295.0) as u32, high as u32);
            shares[high] -= 1.0 - shares[low];
            if shares[high] < 1.0 { small.push(high) } else { large.push(high) }
        }
        for index in small.into_iter().chain(large) {
            slots[index] = (u32::MAX, index as u32);
        }
        Alias { slots }
    }

    pub(crate) fn draw(&self, dice: &mut Dice) -> usize {
        let random = dice.next();
        let slot = (((random >> 32) * self.slots.len() as u64) >> 32) as usize;
        let (share, other) = self.slots[slot];
        if random as u32 <= share { slot } else { other as usize }
    }
}
