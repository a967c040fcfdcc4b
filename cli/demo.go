package cli

import (
	"log/slog"
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"toban/demo"
)

func (e *env) demo() *cobra.Command {
	o := demo.Options{}
	cmd := &cobra.Command{
		Use: "demo", Short: "See an outage ring three phones until somebody has it", Args: cobra.NoArgs,
		Long: `Runs the whole path on this machine with no account anywhere: a small shop, a prober, a toban with a store of its
own, simulated phones and a simulated chat, and a page that guides through it: ask whose phone would ring, break the
shop, pull toban's plug while a phone rings, press 1, repair it. Nothing leaves this machine, and nothing stays behind.

With --host 0.0.0.0 one's own telephone, in the same network, becomes one of the phones: scan the code.`,
		Example: `  toban demo
  toban demo --lang ja --port 9000
  toban demo --host 0.0.0.0`,
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			o.Out, o.Lang = e.out, e.lang
			o.Log = slog.New(slog.NewTextHandler(e.err, &slog.HandlerOptions{Level: slog.LevelWarn}))
			if o.Program, err = demo.Program(); err != nil {
				return err
			}
			ctx, stop := signal.NotifyContext(cmd.Context(), syscall.SIGHUP) // its terminal was closed
			defer stop()
			return demo.Run(ctx, o)
		},
	}
	cmd.Flags().StringVar(&o.Host, "host", "127.0.0.1", "address to listen on; 0.0.0.0 lets other devices of the network in")
	cmd.Flags().IntVar(&o.Port, "port", 8080, "port of the guide; the next free one when it is taken")
	cmd.Flags().DurationVar(&o.Countdown, "countdown", 20*time.Second, "after which the shop breaks by itself; 0 = only by hand")
	return cmd
}
