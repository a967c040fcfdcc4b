package access_test

import (
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m,
		// The PostgreSQL that all tests of the package share ends with the process.
		goleak.IgnoreAnyFunction("toban/internal/testserver.program.start.func1"),
	)
}
