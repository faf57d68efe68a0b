//! The recommender, and bills.

use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard, TryLockError};

use pyo3::prelude::*;
use pyo3::types::PyBytes;
use serde_json::json;
use ultrare::execute::{Control, Executor};
use ultrare::serve::{Basis, Explanation, List, Server};
use ultrare::unlearn::{Change, Mode};
use ultrare::{Query, Settings};

use crate::error::{ToPython as _, told};
use crate::receipt::Receipt;
use crate::remote::Workers;
use crate::rows::{Rows, added};
use crate::values::{json, parsed};
use crate::watch::watched;

/// A trained ensemble with its rows.
#[pyclass(frozen, module = "ultrare._native")]
pub struct Recommender {
    /// None once it is closed.
    inner: RwLock<Option<ultrare::Recommender>>,
    /// Answers while a change is under way, as before the change.
    server: Mutex<Option<Arc<Server>>>,
}

/// The bill of a change.
#[pyclass(frozen, module = "ultrare._native")]
pub struct Bill {
    bill: ultrare::recommender::Bill,
}

#[pymethods]
impl Bill {
    fn plan(&self, py: Python<'_>) -> PyResult<String> {
        json(py, &*self.bill)
    }

    fn accept(&self) -> Accepted {
        Accepted { accepted: self.bill.clone().accept() }
    }
}

/// A bill that somebody has seen and accepted.
#[pyclass(frozen, module = "ultrare._native")]
pub struct Accepted {
    accepted: ultrare::recommender::Accepted,
}

/// Items, scores as little-endian f32, does it rest on own rows, unknown items.
type Listed<'py> = (Vec<String>, Bound<'py, PyBytes>, bool, Vec<String>);

fn floats<'py>(py: Python<'py>, values: impl Iterator<Item = f32>) -> Bound<'py, PyBytes> {
    PyBytes::new(py, &values.flat_map(f32::to_le_bytes).collect::<Vec<u8>>())
}

fn listed(py: Python<'_>, list: List) -> Listed<'_> {
    let scores = floats(py, list.items.iter().map(|place| place.score));
    let items = list.items.into_iter().map(|place| place.item).collect();
    (items, scores, list.basis == Basis::Rows, list.unknown)
}

/// The item's score; items of the rows and their shares, the strongest first.
type Why<'py> = (f32, Vec<String>, Bound<'py, PyBytes>);

fn why(py: Python<'_>, found: Explanation) -> Why<'_> {
    let shares = floats(py, found.reasons.iter().map(|reason| reason.share));
    (found.score, found.reasons.into_iter().map(|reason| reason.item).collect(), shares)
}

fn shown(rows: &[(String, f32)]) -> Vec<(&str, f32)> {
    rows.iter().map(|(item, value)| (item.as_str(), *value)).collect()
}

impl Recommender {
    fn of(inner: ultrare::Recommender) -> Self {
        Recommender { inner: RwLock::new(Some(inner)), server: Mutex::default() }
    }

    fn busy(py: Python<'_>) -> PyErr {
        let message = "this recommender is being changed by another call: wait until that has returned. recommend, similar and \
             explain answer meanwhile, once they have answered before";
        told(py, "python.busy", message)
    }

    fn closed(py: Python<'_>) -> PyErr {
        told(py, "python.closed", "this recommender was closed: restore it from what was saved, or fit another")
    }

    /// Never waits: whoever waited inside a callback of the very change would wait for ever.
    fn read(&self, py: Python<'_>) -> PyResult<RwLockReadGuard<'_, Option<ultrare::Recommender>>> {
        match self.inner.try_read() {
            Ok(guard) => Ok(guard),
            Err(TryLockError::WouldBlock) => Err(Self::busy(py)),
            Err(TryLockError::Poisoned(_)) => Err(Self::closed(py)),
        }
    }

    fn write(&self, py: Python<'_>) -> PyResult<RwLockWriteGuard<'_, Option<ultrare::Recommender>>> {
        match self.inner.try_write() {
            Ok(guard) => Ok(guard),
            Err(TryLockError::WouldBlock) => Err(Self::busy(py)),
            Err(TryLockError::Poisoned(_)) => Err(Self::closed(py)),
        }
    }

    fn with<T>(&self, py: Python<'_>, ask: impl FnOnce(&ultrare::Recommender) -> PyResult<T>) -> PyResult<T> {
        ask(self.read(py)?.as_ref().ok_or_else(|| Self::closed(py))?)
    }

    fn ask<T: Send>(&self, py: Python<'_>, ask: impl FnOnce(&Server) -> ultrare::Result<T> + Send) -> PyResult<T> {
        let mut kept = self.server.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if kept.is_none() {
            kept = Some(self.with(py, |inner| {
                let server = py.detach(|| inner.server()).to_python(py)?;
                // While no change can begin: what is kept is what serves.
                *self.server.lock().unwrap_or_else(PoisonError::into_inner) = Some(server.clone());
                Ok(server)
            })?);
        }
        let server = kept.expect("it was just put there");
        py.detach(|| ask(&server)).to_python(py)
    }

    /// Changes it where workers are.
    fn change<T: Send>(
        &self,
        py: Python<'_>,
        (threads, executor, progress): Where<'_>,
        change: impl FnOnce(&mut ultrare::Recommender, &(dyn Executor + Sync), &Control<'_>) -> ultrare::Result<T> + Send,
    ) -> PyResult<T> {
        let workers = Workers::new(threads, executor)?;
        let mut guard = self.write(py)?;
        let inner = guard.as_mut().ok_or_else(|| Self::closed(py))?;
        let done =
            workers.carry(py, |executor| watched(py, progress.as_ref(), |control| change(inner, executor, control)));
        *self.server.lock().unwrap_or_else(PoisonError::into_inner) = None;
        done
    }
}

/// How many threads, or an executor; and whom to tell.
type Where<'py> = (usize, Option<Bound<'py, PyAny>>, Option<Bound<'py, PyAny>>);

#[pymethods]
impl Recommender {
    #[staticmethod]
    #[pyo3(name = "fit")]
    fn fitted(py: Python<'_>, rows: PyRef<'_, Rows>, settings: &str, on: Where<'_>) -> PyResult<Self> {
        let settings: Settings = parsed(py, "settings", settings)?;
        let (threads, executor, progress) = on;
        let workers = Workers::new(threads, executor)?;
        let rows = rows.rows.clone();
        let fit = |executor: &(dyn Executor + Sync)| {
            watched(py, progress.as_ref(), |control| ultrare::Recommender::fit_on(executor, control, &rows, &settings))
        };
        Ok(Recommender::of(workers.carry(py, fit)?))
    }

    #[staticmethod]
    fn restore(py: Python<'_>, bytes: &[u8]) -> PyResult<Self> {
        let bytes = bytes.to_vec();
        Ok(Recommender::of(py.detach(|| ultrare::Recommender::restore(&bytes)).to_python(py)?))
    }

    fn save<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        let bytes = self.with(py, |inner| Ok(py.detach(|| inner.save())))?;
        Ok(PyBytes::new(py, &bytes))
    }

    fn close(&self, py: Python<'_>) -> PyResult<()> {
        let gone = self.write(py)?.take();
        let server = self.server.lock().unwrap_or_else(PoisonError::into_inner).take();
        py.detach(|| drop((gone, server)));
        Ok(())
    }

    #[getter]
    fn is_closed(&self) -> bool {
        self.inner.try_read().is_ok_and(|inner| inner.is_none())
    }

    fn plan(&self, py: Python<'_>, forget: &str, add: &Bound<'_, PyAny>, refit: bool) -> PyResult<Bill> {
        let forget = parsed(py, "what to forget", forget)?;
        let change = Change { forget, add: added(py, add)? };
        let mode = if refit { Mode::Refit } else { Mode::Frozen };
        self.with(py, |inner| Ok(Bill { bill: py.detach(|| inner.plan_in(&change, mode)).to_python(py)? }))
    }

    fn apply(&self, py: Python<'_>, accepted: PyRef<'_, Accepted>, on: Where<'_>) -> PyResult<Receipt> {
        let accepted = accepted.accepted.clone();
        let receipt = self.change(py, on, |inner, executor, control| inner.apply_on(executor, control, accepted))?;
        Ok(receipt.into())
    }

    fn evaluate(&self, py: Python<'_>, on: Where<'_>) -> PyResult<String> {
        json(py, &self.change(py, on, |inner, executor, control| inner.evaluate_on(executor, control))?)
    }

    fn recommend<'py>(&self, py: Python<'py>, user: &str, query: &str) -> PyResult<Listed<'py>> {
        let query: Query = parsed(py, "query", query)?;
        Ok(listed(py, self.ask(py, |server| server.recommend(user, &query))?))
    }

    fn recommend_all<'py>(&self, py: Python<'py>, users: Vec<String>, query: &str) -> PyResult<Vec<Listed<'py>>> {
        let query: Query = parsed(py, "query", query)?;
        let users: Vec<&str> = users.iter().map(String::as_str).collect();
        let lists = self.ask(py, |server| server.recommend_all(&users, &query))?;
        Ok(lists.into_iter().map(|list| listed(py, list)).collect())
    }

    fn recommend_for<'py>(&self, py: Python<'py>, rows: Vec<(String, f32)>, query: &str) -> PyResult<Listed<'py>> {
        let query: Query = parsed(py, "query", query)?;
        Ok(listed(py, self.ask(py, |server| server.recommend_for(&shown(&rows), &query))?))
    }

    fn similar<'py>(&self, py: Python<'py>, item: &str, query: &str) -> PyResult<Listed<'py>> {
        let query: Query = parsed(py, "query", query)?;
        Ok(listed(py, self.ask(py, |server| server.similar(item, &query))?))
    }

    fn explain<'py>(&self, py: Python<'py>, user: &str, item: &str) -> PyResult<Why<'py>> {
        Ok(why(py, self.ask(py, |server| server.explain(user, item))?))
    }

    fn explain_for<'py>(&self, py: Python<'py>, rows: Vec<(String, f32)>, item: &str) -> PyResult<Why<'py>> {
        Ok(why(py, self.ask(py, |server| server.explain_for(&shown(&rows), item))?))
    }

    fn shards_of(&self, py: Python<'_>, user: &str) -> PyResult<Vec<u32>> {
        self.with(py, |inner| inner.shards_of(user).to_python(py))
    }

    /// Ids of the users in every shard.
    fn members(&self, py: Python<'_>) -> PyResult<Vec<Vec<String>>> {
        self.with(py, |inner| Ok(inner.experiment().members().to_python(py)?.users))
    }

    /// Users and items of a shard, number of factors, both sides' vectors as little-endian f32.
    #[allow(clippy::type_complexity)]
    fn vectors<'py>(
        &self,
        py: Python<'py>,
        shard: u32,
    ) -> PyResult<(Vec<String>, Vec<String>, u32, Bound<'py, PyBytes>, Bound<'py, PyBytes>)> {
        self.with(py, |inner| {
            let view = inner.experiment().vectors(shard).to_python(py)?;
            let bytes = |bytes: &[u8]| PyBytes::new(py, bytes);
            let (users, items) = (bytes(&view.user_vectors), bytes(&view.item_vectors));
            Ok((view.users, view.items, view.factors, users, items))
        })
    }

    fn snapshot(&self, py: Python<'_>) -> PyResult<String> {
        self.with(py, |inner| json(py, &inner.snapshot()))
    }

    fn digest(&self, py: Python<'_>) -> PyResult<Option<String>> {
        self.with(py, |inner| Ok(inner.digest().map(|digest| digest.to_string())))
    }

    fn settings(&self, py: Python<'_>) -> PyResult<String> {
        self.with(py, |inner| json(py, inner.settings()))
    }

    fn receipts(&self, py: Python<'_>) -> PyResult<Vec<Receipt>> {
        self.with(py, |inner| Ok(inner.receipts().into_iter().map(Receipt::from).collect()))
    }

    fn __repr__(&self, py: Python<'_>) -> String {
        let shown = self.with(py, |inner| {
            let rows = inner.experiment().rows().to_python(py)?;
            Ok(json!({ "rows": rows.rows().len(), "users": rows.users().len(), "items": rows.items().len() })
                .to_string())
        });
        shown.unwrap_or_else(|error| error.value(py).to_string())
    }
}
