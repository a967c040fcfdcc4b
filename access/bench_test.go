package access_test

import (
	"context"
	"log/slog"
	"testing"

	"toban/access"
	"toban/store/storetest"
)

func BenchmarkSession(b *testing.B) {
	db := storetest.New(b, "sqlite")
	k := keeper(db)
	secret, _, err := k.SetUp(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	session, err := k.Accept(b.Context(), secret, "ume", good, home, "")
	if err != nil {
		b.Fatal(err)
	}
	b.Run("remembered", func(b *testing.B) {
		for b.Loop() {
			if _, err := k.Session(b.Context(), session); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("read", func(b *testing.B) {
		for b.Loop() {
			if _, err := keeper(db).Session(b.Context(), session); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkLogin(b *testing.B) {
	db := storetest.New(b, "sqlite")
	k := access.New(db, slog.New(slog.DiscardHandler), access.Options{})
	secret, _, err := k.SetUp(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	if _, err := k.Accept(b.Context(), secret, "ume", good, home, ""); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := k.Login(context.Background(), "ume", good, home, ""); err != nil {
			b.Fatal(err)
		}
	}
}
