//! The variables of a stage, in the order that a RUN's key has them.

/// Variables in the order in which each was set last (`client/llb/meta.go`, `EnvList`).
#[derive(Debug, Clone, Default)]
pub(super) struct EnvList {
    variables: Vec<Variable>,
}

/// One variable.
#[derive(Debug, Clone)]
pub(super) struct Variable {
    /// Its name.
    pub key: String,
    /// Its value.
    pub value: String,
    /// False when the value was made from something that isn't known offline.
    pub known: bool,
}

impl EnvList {
    /// Sets a variable; it then stands last.
    pub fn set(&mut self, key: &str, value: &str, known: bool) {
        self.remove(key);
        self.variables.push(Variable { key: key.into(), value: value.into(), known });
    }

    /// Takes a variable away.
    pub fn remove(&mut self, key: &str) {
        self.variables.retain(|v| v.key != key);
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
