//! The rules about projects, with their pages.

use super::super::{Group, Rule, Severity};

/// The rules of this group.
pub const RULES: &[Rule] = &[
    FILE_INVALID,
    BUILD_INVALID,
    CONTEXT_MISSING,
    DOCKERFILE_MISSING,
    NAMED_CONTEXT_MISSING,
    SECRET_FILE_MISSING,
    TARGET_UNKNOWN,
    ARGUMENT_UNKNOWN,
    ARGUMENT_WITHOUT_VALUE,
    PLATFORM_INVALID,
    VARIABLE_UNSET,
    VERSION_OBSOLETE,
    VALUE_VOLATILE,
    PART_UNREAD,
    INHERITS_ITSELF,
    PATH_ABSOLUTE,
    BUILDS_EQUAL,
    UNSEEN,
];

const fn rule(code: &'static str, severity: Severity, summary: &'static str, page: &'static str) -> Rule {
    Rule { code, group: Group::Project, severity, summary, page }
}

/// A file that can't be read as a whole, or a part of it that belongs to no build.
pub(super) const FILE_INVALID: Rule = rule(
    "project-file-invalid",
    Severity::Error,
    "A Compose or Bake file can't be understood",
    "\
Nothing that the file asks for can be built until it is mended: it is not YAML, JSON or HCL, it refers to a file that is not there, files include \
or extend each other in a circle, or it includes one that lies outside of the project. The other files of the project are checked all the same.

```yaml
services:
  api:
    build: [.
```

Put right:

```yaml
services:
  api:
    build: .
```
",
);

/// A build that the reader of projects rejects.
pub(super) const BUILD_INVALID: Rule = rule(
    "project-build-invalid",
    Severity::Error,
    "What a project says about one build can't be meant",
    "\
A key that there isn't, a value of the wrong kind, a service that extends one that isn't there, or builds that use each other's results. Only \
this build is lost; the others are checked.

```yaml
services:
  api:
    build:
      context: .
      dockerfle: api.Dockerfile
```

Put right:

```yaml
services:
  api:
    build:
      context: .
      dockerfile: api.Dockerfile
```
",
);

/// A context that is not there.
pub(super) const CONTEXT_MISSING: Rule = rule(
    "project-context-missing",
    Severity::Error,
    "The context folder of a build is not there",
    "\
A context in a Compose file is relative to the folder of the project (of the first file), in a Bake file to the folder in which the build is \
started. Other paths of the build, its Dockerfile above all, are relative to the context.

```yaml
services:
  api:
    build: ./servces/api
```

Put right:

```yaml
services:
  api:
    build: ./services/api
```
",
);

/// A Dockerfile that is not there.
pub(super) const DOCKERFILE_MISSING: Rule = rule(
    "project-dockerfile-missing",
    Severity::Error,
    "The Dockerfile of a build is not there",
    "\
`dockerfile` is relative to the context, not to the Compose file. When files are moved, these paths are easily forgotten, and nobody sees it \
before that service is built. Files of the same or a similar name elsewhere in the project are proposed.

```yaml
services:
  api:
    build:
      context: .
      dockerfile: docker/api.Dockerfile   # the file lies in dockerfiles/
```

Put right:

```yaml
services:
  api:
    build:
      context: .
      dockerfile: dockerfiles/api.Dockerfile
```
",
);

/// A named context that is not there.
pub(super) const NAMED_CONTEXT_MISSING: Rule = rule(
    "project-named-context-missing",
    Severity::Error,
    "The folder of a named context is not there",
    "\
The builder opens the folder of a named context when a step first needs it, so that the build fails late, or only for some targets.

```yaml
services:
  api:
    build:
      context: .
      additional_contexts:
        assets: ../asets
```

Put right:

```yaml
services:
  api:
    build:
      context: .
      additional_contexts:
        assets: ../assets
```
",
);

/// A secret's file that is not there.
pub(super) const SECRET_FILE_MISSING: Rule = rule(
    "project-secret-file-missing",
    Severity::Warning,
    "The file of a build secret is not there",
    "\
The build asks for the secret's file before it begins, and fails without it. On a machine where secrets are only put in place for the build, as \
in many CI jobs, that is as it should be: `# stowaway ignore=project-secret-file-missing`.

```yaml
secrets:
  token:
    file: ./token.txt   # there is no such file
```

Put right: make the file, or take the secret from a variable.

```yaml
secrets:
  token:
    environment: TOKEN
```
",
);

/// A target that is no stage.
pub(super) const TARGET_UNKNOWN: Rule = rule(
    "project-target-unknown",
    Severity::Error,
    "A build names a stage that its Dockerfile doesn't have",
    "\
`target` is the name after `AS` of a stage, or its number. Upper and lower case make no difference.

```yaml
services:
  api:
    build:
      context: .
      target: relase   # FROM alpine AS release
```

Put right:

```yaml
services:
  api:
    build:
      context: .
      target: release
```
",
);

/// An argument that no stage declares.
pub(super) const ARGUMENT_UNKNOWN: Rule = rule(
    "project-argument-unknown",
    Severity::Warning,
    "A build gives an argument that its Dockerfile doesn't declare",
    "\
A value for an argument that no `ARG` declares goes nowhere, without a word from the builder. Mostly the name is misspelt, or the `ARG` was taken \
away. When a stage that the build doesn't use declares it, this is only a note. Arguments that mean something of themselves (`HTTP_PROXY`, \
`SOURCE_DATE_EPOCH`, `BUILDKIT_…`, `TARGETARCH` …) are never told of, nor those of a list that another build makes use of.

```yaml
services:
  api:
    build:
      context: .
      args:
        VERSON: \"3\"   # ARG VERSION
```

Put right:

```yaml
services:
  api:
    build:
      context: .
      args:
        VERSION: \"3\"
```
",
);

/// An argument without any value.
pub(super) const ARGUMENT_WITHOUT_VALUE: Rule = rule(
    "project-argument-without-value",
    Severity::Note,
    "A build gives no value to an argument that has no default",
    "\
`ARG NAME` without a default is empty unless a value is given. That may be meant; where the value decides what is built, it is easily forgotten.

```dockerfile
FROM alpine
ARG VERSION
RUN wget https://example.com/tool-$VERSION.tar.gz
```

Put right, in the Dockerfile or in the project:

```dockerfile
FROM alpine
ARG VERSION=3
RUN wget https://example.com/tool-$VERSION.tar.gz
```
",
);

/// A platform that is none.
pub(super) const PLATFORM_INVALID: Rule = rule(
    "project-platform-invalid",
    Severity::Error,
    "A build names a platform that is none",
    "\
A platform is `OS/ARCH` or `OS/ARCH/VARIANT`.

```hcl
target \"api\" {
  platforms = [\"linux/amd64,linux/arm64\"]
}
```

Put right:

```hcl
target \"api\" {
  platforms = [\"linux/amd64\", \"linux/arm64\"]
}
```
",
);

/// A variable without a value.
pub(super) const VARIABLE_UNSET: Rule = rule(
    "project-variable-unset",
    Severity::Warning,
    "A variable of a Compose file has no value and no default",
    "\
Compose puts nothing in its place and goes on with a warning. Within a build this gives an empty argument or half a path. In parts that say \
nothing about builds it is only a note. Values come from the environment and from `.env` beside the file.

```yaml
services:
  api:
    build:
      context: .
      args:
        VERSION: ${VERSION}
```

Put right:

```yaml
services:
  api:
    build:
      context: .
      args:
        VERSION: ${VERSION:-dev}
```
",
);

/// `version:`.
pub(super) const VERSION_OBSOLETE: Rule = rule(
    "project-version-obsolete",
    Severity::Note,
    "`version` in a Compose file means nothing",
    "\
Compose has ignored it since its second major version, and warns of it. A file without it is right.

```yaml
version: \"3.8\"
services:
  api:
    build: .
```

Put right:

```yaml
services:
  api:
    build: .
```
",
);

/// A value that changes by itself.
pub(super) const VALUE_VOLATILE: Rule = rule(
    "project-value-volatile",
    Severity::Note,
    "A value is another one at every build",
    "\
`timestamp()` and the like give another value each time. As a tag that is harmless. As an argument, it makes every step run again that stands \
behind the `ARG` and uses it (and every RUN behind it).

```hcl
target \"api\" {
  args = { BUILT = timestamp() }
}
```

Put right:

```hcl
target \"api\" {
  tags = [\"example/api:${formatdate(\"YYYYMMDD\", timestamp())}\"]
}
```
",
);

/// A part that can't be understood and says nothing about what is built.
pub(super) const PART_UNREAD: Rule = rule(
    "project-part-unread",
    Severity::Note,
    "A part of a project that says nothing about what is built can't be understood",
    "\
It doesn't change what is built, so that the build is checked without it; the builder itself may stumble over it.

```hcl
target \"api\" {
  output = [nothing(1)]
}
```

Put right:

```hcl
target \"api\" {
  output = [\"type=docker\"]
}
```
",
);

/// A target that inherits from itself.
pub(super) const INHERITS_ITSELF: Rule = rule(
    "project-inherits-itself",
    Severity::Warning,
    "A Bake target inherits from itself",
    "\
Bake leaves the target out of what it inherits where the circle closes. What comes of it depends on where one begins to read.

```hcl
target \"a\" { inherits = [\"b\"] }
target \"b\" { inherits = [\"a\"] }
```

Put right:

```hcl
target \"_common\" {}
target \"a\" { inherits = [\"_common\"] }
target \"b\" { inherits = [\"_common\"] }
```
",
);

/// A path that is another one elsewhere.
pub(super) const PATH_ABSOLUTE: Rule = rule(
    "project-path-absolute",
    Severity::Note,
    "A project names an absolute path",
    "\
The path is another one, or none, on other machines.

```yaml
services:
  api:
    build: /home/me/project/api
```

Put right:

```yaml
services:
  api:
    build: ./api
```
",
);

/// Several names for one build.
pub(super) const BUILDS_EQUAL: Rule = rule(
    "project-builds-equal",
    Severity::Note,
    "Several builds of a project make the same image",
    "\
Context, Dockerfile, target, arguments and every other option are the same; only the names differ. The cache makes that cheap, but each is \
exported and tagged on its own, and one of them is easily forgotten when something changes.

```yaml
services:
  web:
    build: .
  worker:
    build: .
    command: worker
```

Put right:

```yaml
services:
  web:
    build: .
    image: example/app
  worker:
    image: example/app
    command: worker
```
",
);

/// A build whose sources are not here.
pub const UNSEEN: Rule = rule(
    "project-build-unseen",
    Severity::Note,
    "A build's context or Dockerfile is not on this machine, and is not checked",
    "\
A context that is a URL is fetched by the builder. Nothing of it can be seen beforehand.

```yaml
services:
  api:
    build: https://github.com/example/api.git
```

Put right, where it is to be checked: clone it, and name the folder.

```yaml
services:
  api:
    build: ./api
```
",
);
