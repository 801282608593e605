//! The variables of a stage, in the order that a RUN's key has them.

use std::sync::Arc;

/// Variables in the order in which each was set last (`client/llb/meta.go`, `EnvList`). A clone costs nothing until one of
/// the two changes, since every step keeps the variables that it saw.
#[derive(Debug, Clone, Default)]
pub(super) struct EnvList {
    variables: Arc<Vec<Variable>>,
}

/// A variable that is in force for a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Variable {
    /// Its name.
    pub key: String,
    /// Its value.
    pub value: String,
    /// False when the value was made from something that isn't known offline.
    pub known: bool,
    /// `ARG` set it; otherwise `ENV`, the base image or BuildKit itself.
    pub argument: bool,
    /// The line of the instruction that set it; `None` when none of the Dockerfile did.
    pub line: Option<usize>,
}

impl EnvList {
    /// Sets a variable that no instruction sets; it then stands last.
    pub fn set(&mut self, key: &str, value: &str, known: bool) {
        self.put(Variable { key: key.into(), value: value.into(), known, argument: false, line: None });
    }

    /// Sets a variable; it then stands last.
    pub fn put(&mut self, variable: Variable) {
        let variables = Arc::make_mut(&mut self.variables);
        variables.retain(|v| v.key != variable.key);
        variables.push(variable);
    }

    /// Takes a variable away.
    pub fn remove(&mut self, key: &str) {
        if self.get(key).is_some() {
            Arc::make_mut(&mut self.variables).retain(|v| v.key != key);
        }
    }

    /// All of them, shared.
    pub fn shared(&self) -> Arc<Vec<Variable>> {
        self.variables.clone()
    }

    /// The variable of that name.
    pub fn get(&self, key: &str) -> Option<&Variable> {
        self.variables.iter().find(|v| v.key == key)
    }

    /// Its value.
    pub fn value(&self, key: &str) -> Option<&str> {
        self.get(key).map(|v| v.value.as_str())
    }

    /// The names, in order.
    pub fn keys(&self) -> impl Iterator<Item = &str> + Clone {
        self.variables.iter().map(|v| v.key.as_str())
    }

    /// `K=V`, in order.
    pub fn to_strings(&self) -> Vec<String> {
        self.variables.iter().map(|v| format!("{}={}", v.key, v.value)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_stands_where_it_was_set_last() {
        let mut env = EnvList::default();
        for (k, v) in [("A", "1"), ("B", "2"), ("A", "3")] {
            env.set(k, v, true);
        }
        assert_eq!(env.to_strings(), ["B=2", "A=3"]);
    }
}
