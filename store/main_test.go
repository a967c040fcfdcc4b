package store_test

import (
	"fmt"
	"os"
	"testing"

	"go.uber.org/goleak"
)

// TestMain lets this binary play the process that is killed while it accepts.
func TestMain(m *testing.M) {
	if dsn := os.Getenv("STORE_VICTIM"); dsn != "" {
		if err := victim(dsn); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	goleak.VerifyTestMain(m,
		// The PostgreSQL that all tests of the package share ends with the process.
		goleak.IgnoreAnyFunction("toban/internal/testserver.program.start.func1"),
	)
}
