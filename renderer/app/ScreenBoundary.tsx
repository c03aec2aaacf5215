import { Component, type ErrorInfo, type ReactNode } from 'react';
import { ProblemState } from '../components/ProblemState.tsx';

interface Props {
  readonly children: ReactNode;
}

/** Keeps a defect of one screen from taking the whole window with it. */
export class ScreenBoundary extends Component<Props, { error: unknown }> {
  override state: { error: unknown } = { error: undefined };

  static getDerivedStateFromError(error: unknown): { error: unknown } {
    return { error };
  }

  override componentDidCatch(error: unknown, info: ErrorInfo): void {
    console.error('A screen failed', error, info.componentStack);
  }

  override render(): ReactNode {
    if (this.state.error === undefined) return this.props.children;
    return <ProblemState error={this.state.error} onRetry={() => this.setState({ error: undefined })} />;
  }
}
