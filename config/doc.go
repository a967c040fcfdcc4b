// Package config reads the configuration folder: YAML in which a team writes
// down who there is, who is on duty, whom to call and for what. It turns the
// folder into the types of package oncall, and what the process itself needs
// (listeners, providers) into its own.
//
// It says everything that is wrong at once, each with file, line and column and
// how to mend it, because a mistake in a pager's configuration is otherwise
// found out at night. It never panics on any input, opens nothing but the
// folder and the files that secrets are referred to by, and never prints a
// secret.
package config
