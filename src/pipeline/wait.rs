//! Waits for a span of time, or until the work should end. The clock of the computer may jump meanwhile: what is
//! counted are short sleeps.

use super::Watch;
use std::time::Duration;

/// How long one sleep is.
const STEP: Duration = Duration::from_millis(100);

/// Waits; false when the work should end. `tick` is called after each sleep.
pub fn wait(span: Duration, watch: &dyn Watch, tick: &mut dyn FnMut(Duration)) -> bool {
    let mut waited = Duration::ZERO;
    while waited < span {
        if watch.cancelled() {
            return false;
        }
        let step = STEP.min(span - waited);
        std::thread::sleep(step);
        waited += step;
        tick(waited);
    }
    !watch.cancelled()
}
