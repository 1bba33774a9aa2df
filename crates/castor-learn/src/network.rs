//! The network: a small residual convolutional one over single boxes.
//!
//! 40 × 40 ink levels → 5 × 5 convolution to 20 × 20 → 10 × 10 with residual blocks → 5 × 5 with residual blocks → one
//! hidden layer → 14 logits. Every convolution is followed by batch normalisation, which [`Plain`] folds away.

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::nn::{BatchNorm, BatchNormConfig, Linear, LinearConfig, PaddingConfig2d};
use burn::store::ModuleRecord;
use burn::tensor::activation::relu;
use burn::tensor::{Bytes, Device, Tensor, TensorData};
use castor_domain::symbol::{BOX_SIDE, BoxImage, BoxReading, MODEL_OUTPUTS, SYMBOL_CLASSES, SymbolModel};
use rand::RngExt;
use sha2::{Digest, Sha256};
use std::path::Path;

use crate::error::{LearnError, write_whole};
use crate::num::single;
use crate::seed::{Purpose, stream};

/// Channels at 20 × 20, 10 × 10 and 5 × 5, after the squeeze, and of the hidden layer.
const STEM: usize = 16;
const MIDDLE: usize = 32;
const DEEP: usize = 64;
const SQUEEZED: usize = 32;
const HIDDEN: usize = 96;
/// Side of the deepest picture.
const DEEP_SIDE: usize = BOX_SIDE / 8;
const MIDDLE_BLOCKS: usize = 1;
const DEEP_BLOCKS: usize = 1;

/// Boxes that are predicted together.
const CHUNK: usize = 256;

#[derive(Module, Debug)]
pub(crate) struct ConvNorm {
    conv: Conv2d,
    norm: BatchNorm,
}

impl ConvNorm {
    fn new(channels: [usize; 2], kernel: usize, stride: usize, device: &Device) -> Self {
        let pad = kernel / 2;
        Self {
            conv: Conv2dConfig::new(channels, [kernel, kernel])
                .with_stride([stride, stride])
                .with_padding(PaddingConfig2d::Explicit(pad, pad, pad, pad))
                .with_bias(false)
                .init(device),
            norm: BatchNormConfig::new(channels[1]).init(device),
        }
    }

    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        self.norm.forward(self.conv.forward(x))
    }

    /// Weights and biases of the one convolution that does the same.
    fn plain(&self, relu: bool, skip: bool) -> PlainConv {
        let [outputs, inputs, kernel, _] = self.conv.weight.dims();
        let mut weights = floats(self.conv.weight.val());
        let gamma = floats(self.norm.gamma.val());
        let beta = floats(self.norm.beta.val());
        let mean = floats(self.norm.running_mean.value_sync());
        let variance = floats(self.norm.running_var.value_sync());
        let each = inputs * kernel * kernel;
        let mut bias = Vec::with_capacity(outputs);
        for o in 0..outputs {
            let factor = f64::from(gamma[o]) / (f64::from(variance[o]) + self.norm.epsilon).sqrt();
            for w in &mut weights[o * each..(o + 1) * each] {
                *w = single(f64::from(*w) * factor);
            }
            bias.push(single(f64::from(beta[o]) - f64::from(mean[o]) * factor));
        }
        PlainConv {
            weights,
            bias,
            outputs,
            inputs,
            kernel,
            stride: self.conv.stride[0],
            relu,
            skip,
        }
    }
}

#[derive(Module, Debug)]
pub(crate) struct Residual {
    first: ConvNorm,
    second: ConvNorm,
}

impl Residual {
    fn new(channels: usize, device: &Device) -> Self {
        Self {
            first: ConvNorm::new([channels, channels], 3, 1, device),
            second: ConvNorm::new([channels, channels], 3, 1, device),
        }
    }

    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        relu(self.second.forward(relu(self.first.forward(x.clone()))) + x)
    }
}

#[derive(Module, Debug)]
pub(crate) struct SymbolNet {
    stem: ConvNorm,
    middle: ConvNorm,
    middle_blocks: Vec<Residual>,
    deep: ConvNorm,
    deep_blocks: Vec<Residual>,
    squeeze: ConvNorm,
    hidden: Linear,
    output: Linear,
}

impl SymbolNet {
    /// A network with weights drawn from a seed.
    pub(crate) fn new(seed: u64, device: &Device) -> Self {
        let blocks = |count, channels| (0..count).map(|_| Residual::new(channels, device)).collect();
        let net = Self {
            stem: ConvNorm::new([1, STEM], 5, 2, device),
            middle: ConvNorm::new([STEM, MIDDLE], 3, 2, device),
            middle_blocks: blocks(MIDDLE_BLOCKS, MIDDLE),
            deep: ConvNorm::new([MIDDLE, DEEP], 3, 2, device),
            deep_blocks: blocks(DEEP_BLOCKS, DEEP),
            squeeze: ConvNorm::new([DEEP, SQUEEZED], 1, 1, device),
            hidden: LinearConfig::new(SQUEEZED * DEEP_SIDE * DEEP_SIDE, HIDDEN).init(device),
            output: LinearConfig::new(HIDDEN, MODEL_OUTPUTS).init(device),
        };
        net.map(&mut FirstValues {
            seed,
            drawn: 0,
            name: String::new(),
        })
    }

    /// The network that weights were taken from.
    ///
    /// # Errors
    /// [`LearnError::Weights`] when they are of another network or damaged.
    pub(crate) fn of(weights: &Weights, device: &Device) -> Result<Self, LearnError> {
        let bytes = Bytes::from_bytes_vec(weights.0.clone());
        let record = ModuleRecord::from_bytes(bytes).map_err(|e| LearnError::Weights(e.to_string()))?;
        Self::new(0, device)
            .try_load_record(record)
            .map_err(|e| LearnError::Weights(e.to_string()))
    }

    pub(crate) fn weights(&self) -> Result<Weights, LearnError> {
        // The validating form has taken in the running statistics of the last batch, the training form not yet.
        let bytes = self.valid().into_record().into_bytes();
        let bytes = bytes.map_err(|e| LearnError::Weights(e.to_string()))?;
        Ok(Weights(bytes.to_vec()))
    }

    /// `[N, 1, 40, 40]` ink levels in 0–1 → `[N, 14]` logits.
    pub(crate) fn forward(&self, boxes: Tensor<4>) -> Tensor<2> {
        let mut x = relu(self.stem.forward(boxes));
        x = relu(self.middle.forward(x));
        for block in &self.middle_blocks {
            x = block.forward(x);
        }
        x = relu(self.deep.forward(x));
        for block in &self.deep_blocks {
            x = block.forward(x);
        }
        x = relu(self.squeeze.forward(x));
        let x: Tensor<2> = x.flatten(1, 3);
        self.output.forward(relu(self.hidden.forward(x)))
    }

    /// The same function as a row of plain operations, batch normalisation folded away.
    pub(crate) fn plain(&self) -> Plain {
        let mut convs = vec![self.stem.plain(true, false), self.middle.plain(true, false)];
        let residual = |block: &Residual| [block.first.plain(true, false), block.second.plain(true, true)];
        convs.extend(self.middle_blocks.iter().flat_map(residual));
        convs.push(self.deep.plain(true, false));
        convs.extend(self.deep_blocks.iter().flat_map(residual));
        convs.push(self.squeeze.plain(true, false));
        let linear = |layer: &Linear| {
            let [inputs, outputs] = layer.weight.dims();
            PlainLinear {
                weights: floats(layer.weight.val()),
                bias: layer
                    .bias
                    .as_ref()
                    .map_or_else(|| vec![0.0; outputs], |b| floats(b.val())),
                inputs,
                outputs,
            }
        };
        Plain {
            convs,
            linears: [linear(&self.hidden), linear(&self.output)],
        }
    }
}

/// The network as plain operations: convolutions one after another, then linear layers with a rectifier between them.
#[derive(Debug)]
pub(crate) struct Plain {
    pub(crate) convs: Vec<PlainConv>,
    pub(crate) linears: [PlainLinear; 2],
}

/// A square convolution with bias, padded by half its kernel.
#[derive(Debug)]
pub(crate) struct PlainConv {
    /// `[outputs, inputs, kernel, kernel]`
    pub(crate) weights: Vec<f32>,
    pub(crate) bias: Vec<f32>,
    pub(crate) outputs: usize,
    pub(crate) inputs: usize,
    pub(crate) kernel: usize,
    pub(crate) stride: usize,
    /// A rectifier follows, after the sum if there is one.
    pub(crate) relu: bool,
    /// The input of the convolution before this one is added to the result.
    pub(crate) skip: bool,
}

#[derive(Debug)]
pub(crate) struct PlainLinear {
    /// `[inputs, outputs]`
    pub(crate) weights: Vec<f32>,
    pub(crate) bias: Vec<f32>,
    pub(crate) inputs: usize,
    pub(crate) outputs: usize,
}

pub(crate) fn floats<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().iter::<f32>().collect()
}

/// Draws first values for weight matrices (He's normal distribution) and sets biases to 0; the scales and offsets of
/// normalisation keep their ones and zeros.
struct FirstValues {
    seed: u64,
    drawn: u64,
    /// Of the part entered last, which is the value to be set.
    name: String,
}

impl ModuleMapper for FirstValues {
    fn enter_module(&mut self, name: &str, _container_type: &str) {
        name.clone_into(&mut self.name);
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let mut rng = stream(self.seed, Purpose::Weights, self.drawn);
        self.drawn += 1;
        let bias = self.name == "bias";
        param.map(|tensor| {
            let shape: [usize; D] = tensor.dims();
            // Convolutions are [outputs, inputs, …], linear layers [inputs, outputs].
            let inputs: usize = match D {
                1 if !bias => return tensor,
                1 => return like(&tensor, vec![0.0; shape[0]]),
                2 => shape[0],
                _ => shape[1..].iter().product(),
            };
            let deviation = (2.0 / inputs as f64).sqrt();
            let count = shape.iter().product();
            let values: Vec<f32> = (0..count).map(|_| single(normal(&mut rng) * deviation)).collect();
            like(&tensor, values)
        })
    }
}

/// A tensor of the same shape, device and use with other values.
fn like<const D: usize>(tensor: &Tensor<D>, values: Vec<f32>) -> Tensor<D> {
    let fresh = Tensor::from_data(TensorData::new(values, tensor.dims()), &tensor.device());
    if tensor.is_require_grad() {
        fresh.require_grad()
    } else {
        fresh
    }
}

/// One value of the standard normal distribution (Box and Muller).
fn normal(rng: &mut impl RngExt) -> f64 {
    let radius = (-2.0 * (1.0 - rng.random::<f64>()).ln()).sqrt();
    radius * (std::f64::consts::TAU * rng.random::<f64>()).cos()
}

/// Weights of the symbol network, as one blob.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Weights(pub(crate) Vec<u8>);

impl Weights {
    /// Weights of a network that has learnt nothing.
    ///
    /// # Errors
    /// [`LearnError::Weights`] when the backend fails.
    pub fn untrained(seed: u64) -> Result<Self, LearnError> {
        SymbolNet::new(seed, &Device::flex()).weights()
    }

    /// Reads a weights file.
    ///
    /// # Errors
    /// [`LearnError::File`] when it cannot be read, [`LearnError::Weights`] when it does not fit the network.
    pub fn load(path: &Path) -> Result<Self, LearnError> {
        let weights = Self(std::fs::read(path).map_err(LearnError::file(path))?);
        SymbolNet::of(&weights, &Device::flex())?;
        Ok(weights)
    }

    /// Writes a weights file, replacing it whole.
    ///
    /// # Errors
    /// [`LearnError::File`] when it cannot be written.
    pub fn save(&self, path: &Path) -> Result<(), LearnError> {
        write_whole(path, &self.0)
    }

    /// First 12 hexadecimal digits of the SHA-256 of all values: equal for equal networks, whatever else the file holds.
    ///
    /// # Errors
    /// [`LearnError::Weights`] when the weights do not fit the network.
    pub fn fingerprint(&self) -> Result<String, LearnError> {
        let mut hash = ValueHash(Sha256::new());
        SymbolNet::of(self, &Device::flex())?.visit(&mut hash);
        Ok(hash.0.finalize().iter().take(6).map(|b| format!("{b:02x}")).collect())
    }

    /// Number of values.
    ///
    /// # Errors
    /// [`LearnError::Weights`] when the weights do not fit the network.
    pub fn count(&self) -> Result<usize, LearnError> {
        Ok(SymbolNet::of(self, &Device::flex())?.num_params())
    }
}

struct ValueHash(Sha256);

impl ModuleVisitor for ValueHash {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        for value in floats(param.val()) {
            self.0.update(value.to_le_bytes());
        }
    }
}

/// `[N, 1, 40, 40]` ink levels of boxes.
pub(crate) fn batch<'a>(boxes: impl ExactSizeIterator<Item = &'a BoxImage>, device: &Device) -> Tensor<4> {
    let count = boxes.len();
    let mut ink = Vec::with_capacity(count * BOX_SIDE * BOX_SIDE);
    for image in boxes {
        ink.extend(image.0.iter().map(|v| f32::from(*v) / 255.0));
    }
    Tensor::from_data(TensorData::new(ink, [count, 1, BOX_SIDE, BOX_SIDE]), device)
}

/// Runs networks on boxes during training and evaluation; the product runs the exported model instead.
#[derive(Debug)]
pub struct Predictor {
    members: Vec<SymbolNet>,
    temperature: f32,
}

impl Predictor {
    /// A predictor without calibration; several networks answer with the mean of their outputs.
    ///
    /// # Errors
    /// [`LearnError::Weights`] when weights do not fit the network, or there are none.
    pub fn new(members: &[Weights]) -> Result<Self, LearnError> {
        if members.is_empty() {
            return Err(LearnError::Weights("a model needs at least one network".into()));
        }
        Ok(Self {
            members: members
                .iter()
                .map(|weights| SymbolNet::of(weights, &Device::flex()))
                .collect::<Result<_, _>>()?,
            temperature: 1.0,
        })
    }

    /// The same, dividing the class logits by a temperature.
    #[must_use]
    pub fn with_temperature(self, temperature: f32) -> Self {
        Self { temperature, ..self }
    }

    /// The outputs for each box, class logits divided by the temperature.
    #[must_use]
    pub fn logits(&self, boxes: &[BoxImage]) -> Vec<[f32; MODEL_OUTPUTS]> {
        let device = Device::flex();
        let share = 1.0 / self.members.len() as f32;
        let class_share = share / self.temperature;
        let mut all = vec![[0.0; MODEL_OUTPUTS]; boxes.len()];
        for (chunk, sums) in boxes.chunks(CHUNK).zip(all.chunks_mut(CHUNK)) {
            let input = batch(chunk.iter(), &device);
            for net in &self.members {
                let values = floats(net.forward(input.clone()));
                for (sum, row) in sums.iter_mut().zip(values.as_chunks::<MODEL_OUTPUTS>().0) {
                    for (i, (s, v)) in sum.iter_mut().zip(row).enumerate() {
                        *s += v * if i < SYMBOL_CLASSES { class_share } else { share };
                    }
                }
            }
        }
        all
    }
}

impl SymbolModel for Predictor {
    type Error = std::convert::Infallible;

    fn predict(&self, boxes: &[BoxImage]) -> Result<Vec<BoxReading>, Self::Error> {
        Ok(self.logits(boxes).iter().map(BoxReading::from_logits).collect())
    }
}
